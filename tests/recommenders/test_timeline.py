from datetime import date, timedelta

import numpy as np
import pytest

from recommenders.portfolio import Ledger
from recommenders.timeline import FOLDS, MOST_MOMENTS, Period, find_period, moments, openings

AS_OF = date(2026, 6, 30)


@pytest.fixture
def bank(catalogue):
    """Return a function: the ledger of customers given as their (product, opened, closed)."""

    def make(customers):
        made = Ledger(catalogue("CARD", "LOAN", "SAVE"))
        for number, holdings in enumerate(customers):
            row = {"customer_no": f"C{number}", "kind": "person", "joined_on": None, "memberships": [], "relations": []}
            made.add(row | {"holdings": holdings})
        return made

    return make


def daily(count, days, last=AS_OF):
    """Openings spread evenly over the days up to the last one."""
    return [[("CARD", last - timedelta(days=number * days // count), None)] for number in range(count)]


@pytest.mark.parametrize(
    ("customers", "months"), [(daily(3_000, 365), 1), (daily(2_000, 1_460), 6), (daily(900, 2_000), 12), (daily(40, 365), 3)]
)  # fmt: skip
def test_the_period_is_the_shortest_that_saw_enough_openings(bank, customers, months):
    assert find_period(bank(customers), AS_OF).months == months


def test_moments_go_back_to_the_first_day_of_business_and_no_further_than_two_years(bank):
    assert find_period(bank(daily(9_000, 200)), AS_OF) == Period(1, 6, AS_OF)
    assert find_period(bank(daily(90_000, 2_000)), AS_OF).moments == MOST_MOMENTS


def test_a_first_snapshot_is_no_wave_of_openings(bank):
    snapshot = [[("SAVE", date(2026, 1, 31), None)]] * 5_000
    earlier = [[("SAVE", date(2025, 3, 1), None)]] * 10

    assert find_period(bank(snapshot + earlier + daily(2_000, 149)), AS_OF) == Period(1, 4, AS_OF)


def test_moments_are_anniversaries_of_the_last_day_that_saw_an_opening(bank):
    period = find_period(bank(daily(9_000, 365, last=date(2026, 3, 31))), AS_OF)
    days = [moment.portfolio.today for moment in moments(bank(daily(9_000, 365, last=date(2026, 3, 31))), period)]

    assert period.until == date(2026, 3, 31)
    assert days[:3] == [date(2026, 2, 28), date(2026, 1, 31), date(2025, 12, 31)]


def test_what_opens_after_the_day_is_not_looked_at(bank):
    customers = daily(9_000, 365)
    later = [[("LOAN", AS_OF + timedelta(days=3), None)]] * 500

    assert find_period(bank(customers + later), AS_OF) == find_period(bank(customers), AS_OF)


@pytest.mark.parametrize(
    ("holding", "counts"),
    [
        (("CARD", date(2026, 6, 1), None), True),
        (("CARD", date(2026, 5, 31), None), False),
        (("CARD", AS_OF, None), True),
        (("CARD", AS_OF + timedelta(days=1), None), False),
        (("CARD", date(2026, 6, 5), date(2026, 6, 5)), True),
        (("CARD", None, None), False),
    ],
)
def test_an_opening_lies_after_the_moment_and_not_after_the_period(bank, holding, counts):
    found = openings(bank([[], [holding]]), date(2026, 5, 31), AS_OF)

    assert found.tolist() == ([[1, 0]] if counts else [])


def test_what_was_held_at_the_moment_is_not_opened_again(bank):
    again = [("CARD", date(2020, 1, 1), None), ("CARD", date(2026, 6, 5), None)]
    back = [
        ("CARD", date(2020, 1, 1), date(2025, 1, 1)),
        ("CARD", date(2026, 6, 5), None),
        ("CARD", date(2026, 6, 6), None),
    ]

    assert openings(bank([again, back]), date(2026, 5, 31), AS_OF).tolist() == [[1, 0]]


def test_without_days_every_holding_is_hidden_once(bank):
    ledger = bank(
        [[("CARD", None, None), ("LOAN", None, None)], [("SAVE", None, None)], [], [("CARD", None, AS_OF)]] * 25
    )
    period = find_period(ledger, AS_OF)

    hiding = list(moments(ledger, period))

    assert period.hides
    assert len(hiding) == FOLDS
    pairs = np.concatenate([moment.openings for moment in hiding]).tolist()
    assert sorted(pairs) == sorted(
        [[row, column] for row in range(0, 100, 4) for column in (0, 1)] + [[row, 2] for row in range(1, 100, 4)]
    )
    assert np.concatenate([np.setdiff1d(range(100), moment.portfolio.rows) for moment in hiding]).size == 100
    for moment in hiding:
        assert not np.isin(moment.openings[:, 0], moment.portfolio.rows).any()
        assert moment.portfolio.holdings == 75 - len(moment.openings)


def test_few_days_among_many_unknown_ones_are_no_history(bank):
    assert find_period(bank([[("CARD", None, None)]] * 3_000 + daily(90, 365)), AS_OF).hides


def test_what_was_held_before_the_first_snapshot_may_have_no_day(bank):
    undated = [[("SAVE", None, None)]] * 5_000
    monthly = [[("CARD", date(2026, month, 28), None)] for month in (3, 4, 5, 6) for _ in range(300)]

    period = find_period(bank(undated + monthly), date(2026, 6, 28))

    assert period == Period(1, 4, date(2026, 6, 28))


@pytest.mark.parametrize("customers", [[], [[]] * 5, [[("CARD", AS_OF, None)]] * 5])
def test_a_bank_where_nothing_happened_after_its_first_day_has_no_period(bank, customers):
    assert find_period(bank(customers), AS_OF).hides
