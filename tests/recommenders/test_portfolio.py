from datetime import date, timedelta

import pytest

from recommenders.portfolio import Ledger

DAY = date(2026, 6, 30)
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def ledger(catalogue):
    """Return a function: the ledger of rows as the graph gives them."""

    def make(*rows):
        made = Ledger(catalogue("CARD", "LOAN", "SAVE"))
        for number, row in enumerate(rows):
            plain = {"customer_no": f"C{number}", "kind": "person", "joined_on": None}
            made.add(plain | {"holdings": [], "memberships": [], "relations": []} | row)
        return made

    return make


def held(portfolio):
    return portfolio.held.toarray().tolist()


@pytest.mark.parametrize(
    ("opened", "closed", "is_held"),
    [
        (None, None, True),
        (DAY, None, True),
        (NEXT, None, False),
        (None, DAY, False),
        (DAY, NEXT, True),
        (DAY, DAY, False),
    ],
)
def test_a_holding_is_held_from_its_opening_to_the_day_before_its_closing(ledger, opened, closed, is_held):
    assert held(ledger({"holdings": [("LOAN", opened, closed)]}).portfolio(DAY)) == [[0, float(is_held), 0]]


def test_one_reading_shows_every_day(ledger):
    bank = ledger({"holdings": [("CARD", date(2025, 1, 1), date(2026, 1, 1)), ("SAVE", date(2026, 2, 1), None)]})

    assert held(bank.portfolio(date(2025, 6, 1))) == [[1, 0, 0]]
    assert held(bank.portfolio(date(2026, 1, 15))) == [[0, 0, 0]]
    assert held(bank.portfolio(DAY)) == [[0, 0, 1]]


def test_who_joins_later_is_not_there_yet(ledger):
    bank = ledger({"joined_on": NEXT}, {"joined_on": DAY}, {"joined_on": NEXT, "holdings": [("CARD", DAY, None)]}, {})

    assert bank.portfolio(DAY).rows.tolist() == [1, 2, 3]
    assert bank.portfolio(DAY).customers == 3
    assert bank.portfolio(NEXT).customers == 4


def test_a_product_held_twice_is_held_once(ledger):
    bank = ledger({"holdings": [("CARD", None, None), ("CARD", DAY, None)]})

    assert held(bank.portfolio(DAY)) == [[1, 0, 0]]


def test_of_customers_set_apart_nothing_is_known(ledger):
    bank = ledger({"holdings": [("CARD", DAY, None)]}, {"holdings": [("SAVE", None, None)]})

    portfolio = bank.portfolio(DAY, apart=[0])

    assert portfolio.rows.tolist() == [1]
    assert held(portfolio) == [[0, 0, 1]]
    assert portfolio.last is None


def test_groups_have_days_too(ledger):
    bank = ledger({
        "memberships": [("CAMPUS-1", date(2025, 9, 1), DAY, "campus")],
        "relations": [("employer", "E1", NEXT), ("spouse", "C9", None), ("supplier", "S1", None)],
    })  # fmt: skip

    def groups(day):
        portfolio = bank.portfolio(day)
        return {
            key for key, member in zip(portfolio.cohort_keys, portfolio.cohorts.toarray()[0], strict=True) if member
        }

    assert groups(DAY) == {("programme", "CAMPUS-1"), ("family", "spouse")}
    assert groups(NEXT) == {("employer", "E1"), ("family", "spouse")}


def test_the_range_of_openings_is_of_what_is_held_and_dated(ledger):
    bank = ledger(
        {"holdings": [("CARD", None, None), ("LOAN", date(2024, 1, 1), date(2025, 1, 1)), ("SAVE", DAY, None)]}
    )

    assert (bank.portfolio(DAY).first, bank.portfolio(DAY).last) == (DAY, DAY)
    assert bank.portfolio(date(2020, 1, 1)).first is None
