"""What is being opened now, by region, kind and tier."""

from datetime import timedelta

import pytest

from graph.words import CustomerKind, ValueTier
from recommenders.portfolio import Ledger
from recommenders.trends import fit_trends, trending

CODES = ("A", "B")


@pytest.fixture
def trends(catalogue, today):
    """Return a function: the trends of (how many customers, product, days ago, what else is known of them)."""

    def make(*groups):
        ledger = Ledger(catalogue(*CODES))
        for number, (count, code, days, known) in enumerate(groups):
            for customer in range(count):
                ledger.add({
                    "customer_no": f"C{number}-{customer}", "kind": "person", "joined_on": None, "memberships": [],
                    "relations": [], "holdings": [(code, today - timedelta(days=days), None)],
                } | known)  # fmt: skip
        return fit_trends(ledger, today)

    return make


def test_an_opening_counts_half_for_every_thirty_days(trends):
    [b, a] = trending(trends((30, "A", 60, {}), (20, "B", 0, {})), CODES)

    assert (a.product_code, a.openings, a.decayed) == ("A", 30, pytest.approx(7.5))
    assert (b.product_code, b.openings, b.decayed) == ("B", 20, pytest.approx(20))


def test_the_lift_is_over_the_whole_bank(trends):
    found = trends((40, "A", 0, {"region": "N"}), (20, "B", 0, {"region": "S"}), (20, "A", 0, {"region": "S"}))

    assert [trend.lift for trend in trending(found, CODES)] == [1, 1]
    assert {trend.product_code: trend.lift for trend in trending(found, CODES, region="S")} == {
        "A": pytest.approx(0.5 / 0.75),
        "B": pytest.approx(0.5 / 0.25),
    }
    assert trending(found, CODES, region="W") == []


def test_a_segment_is_a_kind_or_a_tier(trends):
    found = trends(
        (20, "A", 0, {"kind": "company", "value_tier": "high"}), (20, "B", 0, {"income": 7_000.0}), (20, "B", 0, {})
    )

    assert [trend.product_code for trend in trending(found, CODES, kind=CustomerKind.COMPANY)] == ["A"]
    assert [trend.product_code for trend in trending(found, CODES, tier=ValueTier.HIGH)] == ["A"]
    assert [trend.openings for trend in trending(found, CODES, tier=ValueTier.MIDDLE)] == [20]
    assert [trend.openings for trend in trending(found, CODES, tier=ValueTier.LOW)] == [20]


def test_what_fewer_than_twenty_opened_is_not_told(trends):
    assert [trend.product_code for trend in trending(trends((19, "A", 0, {}), (20, "B", 0, {})), CODES)] == ["B"]


@pytest.mark.parametrize("days", [180, -1])
def test_what_is_long_ago_or_lies_ahead_is_no_trend(trends, days):
    assert trending(trends((30, "A", days, {})), CODES) == []


def test_who_opened_a_product_twice_counts_once_by_the_last_opening(trends, today):
    twice = {"holdings": [("A", today - timedelta(days=60), today - timedelta(days=31)), ("A", today, None)]}

    [trend] = trending(trends((20, "A", 0, twice)), CODES)

    assert (trend.openings, trend.decayed) == (20, pytest.approx(20))


def test_without_a_model_there_are_no_trends():
    assert trending({}, CODES) == []
