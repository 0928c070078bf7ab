"""Openings planted by month: what repeats is foreseen better than by its last month, and short history says so."""

from datetime import date

import numpy as np
import pytest
from dateutil.relativedelta import relativedelta

from recommenders.demand import fit_demand, monthly_openings, naive, regression, seasonal_naive
from recommenders.portfolio import Ledger
from recommenders.timeline import Period, find_period

LAST = date(2026, 6, 30)


@pytest.fixture
def opened(catalogue, product):
    """Return a function: a ledger whose products were opened so often a month, by ``counts[code]``, up to June 2026."""

    def make(counts, **dates):
        ledger = Ledger(catalogue(*(product(code, **dates.get(code, {})) for code in counts)))
        number = 0
        for code, monthly in counts.items():
            for back, count in enumerate(reversed(monthly)):
                first = (LAST - relativedelta(months=back)).replace(day=1)
                for place in range(int(count)):
                    number += 1
                    day = first + relativedelta(days=place % 28) if back or place else LAST
                    ledger.add(row(f"C{number}", code, day))
        return ledger

    return make


def row(customer_no, code, day):
    return {"customer_no": customer_no, "kind": "person", "joined_on": None, "holdings": [(code, day, None)],
            "memberships": [], "relations": []}  # fmt: skip


def foreseen(ledger):
    return fit_demand(ledger, find_period(ledger, LAST))


def poisson(means, seed=1):
    return np.random.default_rng(seed).poisson(means)


SEASON = np.tile([20, 20, 20, 20, 20, 80, 80, 20, 20, 20, 20, 20], 4)[6:]
"""Four years less six months, so that the last is June; most is opened in December and January."""


def test_a_season_is_foreseen_better_than_by_the_last_month_or_the_year_before(opened):
    demand, card = foreseen(opened({"A": poisson(SEASON)}))

    assert demand.first == date(2026, 7, 1)
    assert card["method"] == "seasonal_regression"
    assert card["mae"]["seasonal_regression"] < card["mae"]["seasonal_naive"] < card["mae"]["naive"]
    assert [demand.month(month).month for month in (5, 6)] == [12, 1]
    assert (demand.expected[0, 5:7] > 55).all()
    assert (np.delete(demand.expected[0], [5, 6]) < 35).all()


def test_a_trend_is_foreseen_better_than_by_the_last_month(opened):
    demand, card = foreseen(opened({"A": poisson(np.linspace(20, 110, 18), 3), "B": poisson(np.full(18, 30), 4)}))

    assert card["method"] == "regression"
    assert card["mae"]["regression"] < card["mae"]["naive"]
    assert demand.expected[0, 0] > 105
    assert demand.expected[1, 0] == pytest.approx(30, rel=0.2)


def test_intervals_hold_what_comes_about_as_often_as_they_say(opened):
    held = []
    for seed in range(12):
        counts = poisson(np.full((5, 21), 12.0), seed)
        demand, _ = foreseen(opened({code: own[:18] for code, own in zip("ABCDE", counts, strict=True)}))
        held += [(demand.low[:, :3] <= counts[:, 18:]) & (counts[:, 18:] <= demand.high[:, :3])]

    assert 0.74 <= np.mean(held) <= 0.96


def test_the_interval_widens_with_the_months(opened):
    demand, _ = foreseen(opened({"A": poisson(np.full(18, 30.0))}))

    assert demand.high[0, 11] - demand.low[0, 11] > 1.3 * (demand.high[0, 0] - demand.low[0, 0])


def test_chance_alone_is_foreseen_as_its_mean(opened):
    demand, card = foreseen(opened({code: poisson(np.full(30, 15.0), seed) for seed, code in enumerate("ABCD")}))

    assert card["method"] == "regression"
    assert demand.expected == pytest.approx(np.full((4, 12), 15.0), rel=0.35)


def test_short_history_has_a_level_a_wide_interval_and_no_trial(opened):
    demand, card = foreseen(opened({"A": [80, 90, 100, 95], "B": [1, 0, 2, 1]}))

    assert card["months"] == 3
    assert card["why_untried"] == "too few months to try it on the past"
    assert demand.expected[0] == pytest.approx(np.full(12, demand.expected[0, 0]))
    assert (demand.low[1, 0], demand.high[1, 0]) == (0, pytest.approx(3, abs=1))


def test_two_months_are_too_few(opened):
    demand, card = foreseen(opened({"A": [80, 90, 100]}))

    assert demand is None
    assert card == {"why_none": "2 whole months of openings; 3 are needed", "months": 2}


def test_without_dates_nothing_is_foreseen(opened):
    assert fit_demand(opened({"A": [1]}), Period(0, 4, LAST)) == (None, {"why_none": "the holdings carry no dates"})


def test_what_is_sold_no_more_is_opened_no_more(opened):
    demand, _ = foreseen(opened({"A": [50] * 12, "B": [50] * 12}, B={"active_until": date(2026, 8, 31)}))

    assert (demand.expected[1, :2] > 0).all()
    assert not demand.expected[1, 2:].any()
    assert not demand.high[1, 2:].any()
    assert (demand.expected[0] > 0).all()


def test_a_product_launched_lately_has_the_months_since_and_not_the_zeros_before(opened):
    ledger = opened({"A": [50] * 12, "B": [0] * 9 + [40] * 3})

    counts, first = monthly_openings(ledger, find_period(ledger, LAST))
    demand, _ = foreseen(ledger)

    assert first == date(2025, 8, 1)
    assert np.isnan(counts[1, :8]).all()
    assert counts[1, 8:].tolist() == [40, 40, 40]
    assert demand.expected[1, 0] == pytest.approx(40, rel=0.1)


def test_a_month_that_is_not_over_does_not_count(opened):
    ledger = opened({"A": [50] * 12})
    ledger.add(row("LATE", "A", date(2026, 7, 2)))

    counts, _ = monthly_openings(ledger, find_period(ledger, date(2026, 7, 5)))

    assert counts[0].tolist() == [50] * 11


def test_the_plain_forecasts_say_the_last_month_and_the_year_before():
    counts = np.arange(24.0)[None]

    assert naive(counts, LAST, 3).tolist() == [[23, 23, 23]]
    assert seasonal_naive(counts, LAST, 3).tolist() == [[12, 13, 14]]
    assert np.isnan(seasonal_naive(counts[:, :11], LAST, 3)).all()
    assert np.isnan(regression(np.full((1, 5), np.nan), LAST, 3)).all()
