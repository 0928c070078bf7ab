from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from graph.records import Holding, Membership, Outcome
from graph.rivals import rivalling
from graph.terms import Contract, Terms
from graph.words import Channel, Language, MemberRole, OutcomeKind
from recommenders.programme_gates import PROGRAMME_GATES

TODAY = date(2026, 6, 30)
CODES = [gate.code for gate in PROGRAMME_GATES]
HOLIDAY = ((date(2026, 6, 29), date(2026, 7, 2)),)
BOTH = (("MART", "RIVAL"), ("RIVAL", "MART"))
"""Each may not stand beside the other."""


def member(*codes):
    return {"memberships": tuple(Membership(code, "cobranded", MemberRole.MEMBER, code) for code in codes)}


def shown(*what):
    """Outcomes by product, kind and days ago."""
    now = datetime(2026, 6, 30, 9, tzinfo=UTC)
    return {
        "outcomes": tuple(
            Outcome(f"O{number}", code, OutcomeKind(kind), Channel.MOBILE, now - timedelta(days))
            for number, (code, kind, days) in enumerate(what)
        )
    }


def held(*codes):
    return {"holdings": tuple(Holding(code) for code in codes)}


@pytest.fixture
def refusals(person, product, catalogue, batch):
    """Return a function: by product, what the programmes' gates say of a customer who is a member of both."""

    def find(contract, *, exclusive=(("MART", "RIVAL"),), **customer):
        excluded = {own: (other,) for own, other in exclusive}
        cards = [
            product(
                f"{code}-CARD",
                programme_code=code,
                partner_code=code,
                programme_name=f"{code.title()} circle",
                programme_name_zh=f"{code}会",
                contract=contract if code == "MART" else Contract(Terms(exclusive_of=excluded.get(code, ()))),
            )
            for code in ("MART", "RIVAL")
        ]
        products = catalogue(*rivalling([*cards, product("SAVE")]))
        asked = batch([person(**member("MART", "RIVAL") | customer)], products)
        return {
            code: [
                gate.explain(asked.customers[0], products[code])
                for gate in PROGRAMME_GATES
                if gate.refuses(asked)[0, column]
            ]
            for column, code in enumerate(products.codes)
        }

    return find


def test_the_codes_are_told_in_this_order():
    assert CODES == [
        "PROGRAMME_BUDGET_SPENT",
        "PROGRAMME_QUOTA_REACHED",
        "PROGRAMME_REGION",
        "PROGRAMME_EXCLUSIVE",
        "PROGRAMME_BLACKOUT",
    ]
    assert {gate.gate for gate in PROGRAMME_GATES} == {"eligibility"}


@pytest.mark.parametrize(
    ("code", "contract", "customer", "saw", "unlock"),
    [
        ("PROGRAMME_BUDGET_SPENT", Contract(Terms(budget=100.0, cost=40.0), is_spent=True), {}, "a budget of 100.00, at 40.00 each", None),
        ("PROGRAMME_QUOTA_REACHED", Contract(Terms(quota=2), is_full=True), {}, "a quota of 2", None),
        ("PROGRAMME_REGION", Contract(Terms(regions=("Yunnan",))), {"region": "Hunan"}, "Hunan", None),
        ("PROGRAMME_REGION", Contract(Terms(regions=("Yunnan",))), {"region": None}, "unknown", None),
        ("PROGRAMME_BLACKOUT", Contract(Terms(blackout=HOLIDAY)), {}, "2026-06-30", "from 2026-07-03 on"),
        ("PROGRAMME_EXCLUSIVE", Contract(Terms(exclusive_of=("RIVAL",))), held("RIVAL-CARD"), "RIVAL-CARD", "RIVAL-CARD closed"),
        ("PROGRAMME_EXCLUSIVE", Contract(Terms(exclusive_of=("RIVAL",))), shown(("RIVAL-CARD", "impression", 3)), "a competitor's offer", None),
    ],
)  # fmt: skip
def test_what_the_contract_does_not_let_is_refused_to_the_programme_s_card_alone(
    refusals, code, contract, customer, saw, unlock
):
    found = refusals(contract, **customer)

    [refusal] = found["MART-CARD"]
    assert (refusal.code, refusal.saw) == (code, saw)
    assert (refusal.unlock and refusal.unlock[Language.EN]) == unlock
    for text in filter(None, (refusal.text, refusal.unlock)):
        assert set(text) == set(Language)
        assert len(set(text.values())) == len(Language)
    assert found["RIVAL-CARD"] == found["SAVE"] == []


@pytest.mark.parametrize(
    ("contract", "en", "zh"),
    [
        (Contract(Terms(budget=1.0, cost=1.0), is_spent=True), "The budget of the programme Mart circle is spent.", "项目MART会的预算已用完。"),
        (Contract(Terms(quota=2), is_full=True), "The programme Mart circle has given all of its places.", "项目MART会的名额已满。"),
        (Contract(Terms(regions=("Yunnan", "Hunan"))), "The programme Mart circle is for Yunnan, Hunan only.", "项目MART会仅限Yunnan、Hunan。"),
        (Contract(Terms(blackout=HOLIDAY)), "The programme Mart circle pauses until 2026-07-02.", "项目MART会暂停至2026-07-02。"),
    ],
)  # fmt: skip
def test_a_refusal_tells_the_programme_by_its_name_in_the_language_of_the_text(refusals, contract, en, zh):
    [refusal] = refusals(contract)["MART-CARD"]

    assert refusal.text == {Language.EN: en, Language.ZH: zh}


@pytest.mark.parametrize("region", ["Yunnan", "Hunan"])
def test_within_the_contract_nothing_is_refused(refusals, region):
    terms = Terms(budget=1.0, quota=1, regions=("Yunnan", "Hunan"), blackout=((TODAY + timedelta(1),) * 2,))

    assert set(map(len, refusals(Contract(terms), region=region).values())) == {0}


EXCLUSIVE = Contract(Terms(exclusive_of=("RIVAL",)))


def test_beside_an_exclusive_card_nobody_is_offered_the_competitor_s(refusals):
    def refused(contract=EXCLUSIVE, **customer):
        return [code for code, found in refusals(contract, **customer).items() if found]

    assert refused() == ["RIVAL-CARD"]  # a member of both is offered one of them
    assert refused(**held("MART-CARD")) == ["RIVAL-CARD"]
    assert refused(**held("RIVAL-CARD")) == ["MART-CARD"]
    assert refused(**member("RIVAL")) == []
    assert refused(**member("MART")) == ["RIVAL-CARD"]


def test_the_card_that_was_offered_first_stays(refusals):
    def refused(*what):
        return [code for code, found in refusals(EXCLUSIVE, **shown(*what)).items() if found]

    assert refused(("RIVAL-CARD", "impression", 5), ("MART-CARD", "impression", 3)) == ["MART-CARD"]
    assert refused(("RIVAL-CARD", "impression", 3), ("MART-CARD", "click", 5)) == ["RIVAL-CARD"]
    assert refused(("RIVAL-CARD", "impression", 5), ("MART-CARD", "impression", 5)) == ["RIVAL-CARD"]
    assert refused(("RIVAL-CARD", "impression", 30)) == ["RIVAL-CARD"]
    assert refused(("RIVAL-CARD", "impression", 5), ("RIVAL-CARD", "dismiss", 4)) == ["RIVAL-CARD"]
    assert refused(("RIVAL-CARD", "accept", 2)) == ["MART-CARD"]


@pytest.mark.parametrize(
    "contract",
    [
        Contract(Terms(exclusive_of=("RIVAL",), budget=0.0), is_spent=True),
        Contract(Terms(exclusive_of=("RIVAL",), quota=0), is_full=True),
        Contract(Terms(exclusive_of=("RIVAL",), regions=("Hunan",))),
        Contract(Terms(exclusive_of=("RIVAL",), blackout=HOLIDAY)),
    ],
)
def test_an_exclusive_card_that_cannot_be_offered_makes_no_room(refusals, contract):
    assert refusals(contract, region="Yunnan")["RIVAL-CARD"] == []
    assert [r.code for r in refusals(contract, region="Yunnan", **held("MART-CARD"))["RIVAL-CARD"]] == [
        "PROGRAMME_EXCLUSIVE"
    ]


def test_where_each_excludes_the_other_one_of_them_is_offered(refusals):
    found = refusals(EXCLUSIVE, exclusive=BOTH)

    assert [code for code, own in found.items() if own] == ["RIVAL-CARD"]


def test_a_bank_without_contracts_refuses_nothing(person, catalogue, batch):
    asked = batch([person(), person("C2")], catalogue("SAVE", "LOAN"))

    assert not np.any([gate.refuses(asked) for gate in PROGRAMME_GATES])
