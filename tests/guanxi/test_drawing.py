"""The test kit: what a drawing means, and that an expectation that is not met fails the test that drew it."""

from datetime import date
from types import ModuleType

import pytest

from graph.errors import LoadError, PluginError
from graph.words import Channel
from guanxi import About, Proposal, hookimpl, recommender
from guanxi.testing.drawing import Drawing
from loaders.tables import TABLES

GRADUATE = """
    ann: person birth_date=1995-03-01
    ann -MEMBER_OF-> CAMPUS-1 role=student
    ann -EARNS-> 9000 months=36
"""


@recommender("graduate")
def graduate(customer):
    if customer.member_of("campus") and customer.salary_months >= 36:
        yield Proposal("MORTGAGE", score=0.8, reason="three years of steady salary")


def test_what_is_drawn_is_in_the_graph(draw):
    bank = draw("""
        # a family, and where she works
        ann: person name="Ann Li" income=9000 hobby=chess
        bob: person
        mill: company
        ann -SPOUSE-> bob
        ann -EMPLOYER-> mill
        ann -HOLDS-> CURRENT-ACCOUNT opened_on=2020-01-01 balance=12.5
        ann -MEMBER_OF-> FAMILY-1 role=principal
        ann -DID-> complaint channel=branch at=2026-06-01T09:00:00Z
        ann -EARNS-> 9000 months=3 transactions=4
    """)
    ann = bank.customer("ann")
    assert (ann.income, ann.attributes["hobby"]) == (9000, "chess")
    assert {(relation.kind, relation.customer_no) for relation in ann.relations} == {
        ("spouse", "bob"),
        ("employer", "mill"),
    }
    assert [(held.product_code, held.opened_on, held.balance) for held in ann.holdings] == [
        ("CURRENT-ACCOUNT", date(2020, 1, 1), 12.5)
    ]
    assert ann.member_of("family", "principal")
    assert [(event.kind, event.channel) for event in ann.interactions] == [("complaint", Channel.BRANCH)]
    assert [(month.month, month.transactions) for month in ann.activity] == [
        ("2026-03", 4),
        ("2026-04", 4),
        ("2026-05", 4),
    ]
    assert ann.salary_months == 3


def test_what_a_customer_seems_is_told_to_who_declares_it_and_to_nobody_else(draw):
    seen = []

    @hookimpl
    def about():
        return About(permissions=("scores",))

    @recommender("notes")
    def notes(customer):
        seen.append((customer.segment, customer.scores.churn and customer.scores.churn.probability))
        return ()

    plugin = ModuleType("notes")
    vars(plugin).update(about=about, notes=notes)
    bank = draw(
        """
        ann: person
        ann -SEEMS-> S2 churn=0.4 value=9000
        bob: person
        """,
        plugin,
    )
    bank.answers(["ann", "bob"])

    ann, bob = bank.customer("ann"), bank.customer("bob")
    assert (ann.segment.code, ann.scores.churn.probability, ann.scores.value.amount) == ("S2", 0.4, 9000)
    assert (bob.segment, bob.scores.churn, bob.scores.value.learnt) == (None, None, False)
    assert seen == [(None, 0.4), (None, None)]


@pytest.mark.parametrize("said", ["-SEEMS-> S1 churn=much", "-SEEMS-> S1 luck=1"])
def test_what_nobody_can_seem_is_refused(draw, said):
    with pytest.raises(LoadError, match="Line 1 of the drawing"):
        draw(f"ann {said}")


def test_a_drawing_with_products_of_its_own_sells_no_others(draw):
    assert draw("HAT: product category=deposit").catalogue.codes == ("HAT",)


def test_a_programme_and_a_partner_of_its_own_stand_beside_the_sample_banks(draw):
    names = {"programmes": "P1", "partners": "U1"}

    def codes(*lines):
        bank = draw("\n".join(["ann: person", *lines]))
        return {name: set(bank.table(name)[TABLES[name].key[0]]) for name in names}

    sampled = codes()
    drawn = codes(
        "U1: partner kind=university",
        "P1: programme kind=campus partner_code=U1",
        "ann -MEMBER_OF-> P1 role=student",
        "ann -MEMBER_OF-> CAMPUS-1 role=student",
    )
    assert drawn == {name: sampled[name] | {own} for name, own in names.items()}


def test_a_product_of_a_programme_of_its_own_is_offered_to_a_member(draw):
    draw("""
        P1: programme kind=campus
        HAT: product category=deposit programme_code=P1
        ann: person
        ann -MEMBER_OF-> P1 role=student
        bob: person
        ann => HAT
        bob =/> HAT
    """)


def test_a_programme_of_a_sample_code_takes_the_place_of_the_samples(draw):
    programmes = draw("CAMPUS-1: programme kind=campus name=Uni").table("programmes")
    assert programmes.filter(programme_code="CAMPUS-1")["name"].to_list() == ["Uni"]


def test_a_drawing_follows_upon_another_as_if_there_had_been_none(draw):
    draw("ann: person")
    assert draw("bob: person").table("customers")["customer_no"].to_list() == ["bob"]


def test_expectations_are_met_by_offer_reason_recommender_and_gate(draw):
    draw(
        GRADUATE
        + """
        ann => MORTGAGE
        ann => MORTGAGE graduate
        ann => MORTGAGE "steady salary"
        bob: person marketing_consent=false
        bob =/> MORTGAGE
        bob =/> MORTGAGE NO_CONSENT
        bob =/> MORTGAGE graduate
        """,
        graduate,
    )


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("ann =/> MORTGAGE", "is offered it by graduate"),
        ('ann => MORTGAGE "a rich uncle"', "is offered it by graduate"),
        ("ann => MORTGAGE als", "is offered it by graduate"),
        ("ann =/> MORTGAGE graduate", "is offered it by graduate"),
        ("ann => CHILD-SAVINGS", "is not offered it"),
        ("ann =/> CHILD-SAVINGS NO_CONSENT", "It is for ages 0–17"),
    ],
)
def test_one_that_is_not_met_fails_the_test_and_says_why(draw, expected, told):
    with pytest.raises(pytest.fail.Exception, match="line 5") as failed:
        draw(f"{GRADUATE}{expected}", graduate)
    assert told in str(failed.value)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ann: person birth_date=1995-03-41", "line 1, birth_date '1995-03-41': is not a date"),
        ("ann: person\nann -HOLDS-> NOTHING", "line 2, product_code 'NOTHING': names no row of products"),
        (
            "ann -EARNS-> 9 months=2 until=2026-03\nann -EARNS-> 8 months=2 until=2026-04",
            "ann has a salary of 2026-03 already",
        ),
        ("ann: animal", "'animal' is none of person, company"),
        ("ann -LIKES-> bob", "'LIKES' is none of HOLDS"),
        ("ann: person tall", "'tall' is no column=value"),
        ("ann likes bob", "it is no node"),
        ('ann: person name="Ann', "Line 1"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(draw, line, told):
    with pytest.raises(LoadError, match=told.replace("(", r"\(")):
        draw(line)


def test_a_plugin_that_fails_raises_what_it_did(draw):
    @recommender("broken")
    def broken(_):
        yield Proposal("NOTHING", score=0.5)

    with pytest.raises(PluginError, match="proposed 'NOTHING'"):
        draw("ann: person\nann => MORTGAGE", broken)


def test_a_plugin_that_cannot_be_loaded_raises_why(draw, tmp_path):
    (tmp_path / "torn.py").write_text("def (")
    with pytest.raises(PluginError, match="SyntaxError"):
        draw("ann: person", tmp_path / "torn.py")


def test_a_drawing_can_be_read_as_often_as_asked():
    drawing = Drawing("ann: person hobby=chess")
    assert drawing.columns("customers")[-1] == "hobby"
    assert [next(drawing.frames("customers")).height for _ in range(2)] == [1, 1]


@pytest.mark.parametrize("today", [date(2026, 1, 31), "2026-01-31"])
def test_a_drawing_may_be_of_another_day(draw, customer, today):
    drawn = "ann: person birth_date=1996-02-01", "ann -EARNS-> 9000 months=1"
    bank = draw("\n".join(drawn), today=today)
    assert bank.today == date(2026, 1, 31)
    assert [month.month for month in bank.customer("ann").activity] == ["2025-12"]
    assert customer(*drawn, today=today).age == 29


@pytest.mark.parametrize("kind", ["person", "company", "institution"])
def test_the_customer_of_a_drawing_is_the_first_that_is_drawn_wherever(customer, kind):
    lines = "X: product category=loan", "# his", f'"ann li": {kind}', "bob: person", "bob -SPOUSE-> 'ann li'"
    assert customer(*lines).customer_no == "ann li"


def test_a_drawing_without_customers_has_none_to_show(customer):
    with pytest.raises(LoadError, match=r"^The drawing has no customer\.$"):
        customer("X: product category=loan")
