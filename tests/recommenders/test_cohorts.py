from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from graph.records import Membership, Relation
from graph.words import Language, MemberRole, ProgrammeKind, RelationKind
from recommenders.cohorts import Cohorts

CODES = ("CARD", "LOAN", "SAVE")
STUDENT = Membership("CAMPUS-1", ProgrammeKind.CAMPUS, MemberRole.STUDENT)


@pytest.fixture
def trained(catalogue, portfolio):
    def make(rows):
        return Cohorts().with_arrays(Cohorts().fit(portfolio(catalogue(*CODES), rows)), CODES)

    return make


def staff(count, *holdings, employer="E1", since=None):
    return [{"relations": [("employer", employer, since)], "holdings": holdings}] * count


def works_at(employer):
    return (Relation(employer, RelationKind.EMPLOYER, outgoing=True),)


def test_the_score_is_the_share_in_the_group_where_it_exceeds_everybodys(trained, person, catalogue, batch):
    rows = staff(15, "SAVE") + staff(5, "LOAN") + [{"holdings": ["LOAN"]}] * 20
    colleague = person(relations=works_at("E1"))

    scores = trained(rows).propose(batch([colleague], catalogue(*CODES))).scores[0]

    assert scores[CODES.index("SAVE")] == 0.75
    assert np.isnan(scores[CODES.index("LOAN")])
    assert np.isnan(scores[CODES.index("CARD")])


@pytest.mark.parametrize(
    ("group", "customer"),
    [
        ({"relations": [("employer", "E1", None)]}, {"relations": works_at("E1")}),
        ({"memberships": [("CAMPUS-1", None, None, "campus")]}, {"memberships": (STUDENT,)}),
        ({"relations": [("spouse", "C77", None)]}, {"relations": (Relation("C78", RelationKind.SPOUSE, outgoing=True),)}),
    ],
    ids=["employer", "programme", "family"],
)  # fmt: skip
@pytest.mark.parametrize(("members", "speaks"), [(19, False), (20, True)])
def test_a_group_speaks_from_20_members(trained, person, catalogue, batch, group, customer, members, speaks):
    rows = [group | {"holdings": ["SAVE"]}] * members + [{}] * 10

    scores = trained(rows).propose(batch([person(**customer)], catalogue(*CODES))).scores[0]

    assert np.isfinite(scores[CODES.index("SAVE")]) == speaks


def test_a_customer_of_no_group_is_proposed_nothing(trained, person, catalogue, batch):
    strangers = [person(), person(relations=works_at("E2"))]

    scores = trained(staff(30, "SAVE") + [{}] * 30).propose(batch(strangers, catalogue(*CODES))).scores

    assert np.isnan(scores).all()


def test_of_several_groups_the_one_with_the_highest_share_speaks(trained, person, catalogue, batch):
    products = catalogue(*CODES)
    members = [{"memberships": [("CAMPUS-1", None, None, "campus")], "holdings": ["SAVE"]}] * 20
    rows = staff(10, "SAVE") + staff(10) + members + [{}] * 40
    asked = batch([person(relations=works_at("E1"), memberships=(STUDENT,))], products)

    proposed = trained(rows).propose(asked)

    assert proposed.scores[0, products.index["SAVE"]] == 1.0
    assert proposed.reason(0, products.index["SAVE"]).path == ("C1", "PROGRAMME", "CAMPUS-1", "HOLD", "SAVE")


@pytest.mark.parametrize(
    ("names", "en", "zh"),
    [
        (("Mercy patients", "仁济患者"), "Mercy patients", "仁济患者"),
        (("Mercy patients", None), "Mercy patients", "Mercy patients"),
        ((None, None), "CAMPUS-1", "CAMPUS-1"),
    ],
    ids=["both", "one", "none"],
)
def test_a_programme_is_told_by_its_name_in_the_language_of_the_text(trained, person, catalogue, batch, names, en, zh):
    rows = [{"memberships": [("CAMPUS-1", None, None, "campus")], "holdings": ["SAVE"]}] * 20 + [{}] * 20
    member = person(memberships=(replace(STUDENT, programme_name=names[0], programme_name_zh=names[1]),))

    reason = trained(rows).propose(batch([member], catalogue(*CODES))).reason(0, CODES.index("SAVE"))

    assert reason.text == {
        Language.EN: f"Members of your programme {en} often choose it.",
        Language.ZH: f"您所在项目{zh}的成员常选择它。",
    }


def test_a_family_tie_speaks_of_all_families_and_names_no_relative(trained, person, catalogue, batch):
    rows = [{"relations": [("spouse", f"R{n}", None)], "holdings": ["SAVE"]} for n in range(20)] + [{}] * 20
    spouse = person(relations=(Relation("R3", RelationKind.SPOUSE, outgoing=True),))

    reason = trained(rows).propose(batch([spouse], catalogue(*CODES))).reason(0, CODES.index("SAVE"))

    assert reason.path == ("C1", "FAMILY", "spouse", "HOLD", "SAVE")
    assert "R3" not in " ".join((*reason.path, *reason.text.values()))
    assert set(reason.text) == set(Language)


@pytest.mark.parametrize(("holders", "speaks"), [(1, False), (2, True)])
def test_it_says_often_only_where_a_tenth_of_the_group_holds_the_product(
    trained, person, catalogue, batch, holders, speaks
):
    rows = staff(holders, "SAVE") + staff(20 - holders) + [{}] * 80

    proposed = trained(rows).propose(batch([person(relations=works_at("E1"))], catalogue(*CODES)))

    assert proposed.scores[0, CODES.index("SAVE")] == np.float32(holders / 20)
    assert (proposed.reason(0, CODES.index("SAVE")) is not None) == speaks


def test_a_relation_that_begins_later_is_no_group_yet(trained, person, catalogue, batch):
    rows = staff(20, "SAVE", since=date(2026, 7, 1)) + [{}] * 20

    scores = trained(rows).propose(batch([person(relations=works_at("E1"))], catalogue(*CODES))).scores

    assert np.isnan(scores).all()


def test_products_unknown_to_training_or_no_longer_sold_are_passed_over(trained, person, catalogue, batch):
    recommender = trained(staff(20, "SAVE", "CARD") + [{}] * 20)
    products = catalogue("BRAND-NEW", "SAVE")

    scores = recommender.propose(batch([person(relations=works_at("E1"))], products)).scores[0]

    assert scores[products.index["SAVE"]] == 1.0
    assert np.isnan(scores[products.index["BRAND-NEW"]])


def test_untrained_or_from_nobody_it_proposes_nothing(trained, person, catalogue, batch):
    asked = batch([person(relations=works_at("E1"))], catalogue(*CODES))

    assert np.isnan(Cohorts().propose(asked).scores).all()
    assert np.isnan(trained([]).propose(asked).scores).all()
