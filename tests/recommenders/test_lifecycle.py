from datetime import date

import pytest

from graph.records import ActivityMonth, Holding
from graph.words import LifecycleStage, ValueTier
from recommenders import lifecycle

TODAY = date(2026, 6, 30)
YEAR_AGO, ALMOST = date(2025, 6, 30), date(2025, 7, 1)
OLD = Holding("SAVE", date(2015, 1, 1))
NEW = Holding("CARD", ALMOST)
CLOSED = Holding("LOAN", date(2015, 1, 1), ALMOST)


def months(*inflows, until=5):
    first = until - len(inflows) + 1
    return [ActivityMonth(f"2026-{first + number:02}", inflow) for number, inflow in enumerate(inflows)]


STAGES = [
    ("never held anything", [], [], None, LifecycleStage.PROSPECT),
    ("has closed everything", [CLOSED], [], None, LifecycleStage.LOST),
    ("quiet for five months", [OLD], [ActivityMonth("2026-01")], None, LifecycleStage.MATURE),
    ("quiet for six months", [OLD], [ActivityMonth("2025-12")], None, LifecycleStage.DORMANT),
    ("quiet and new", [OLD], [ActivityMonth("2025-12")], ALMOST, LifecycleStage.DORMANT),
    ("no activity known", [OLD], [], None, LifecycleStage.MATURE),
    ("joined 364 days ago", [OLD], [], ALMOST, LifecycleStage.NEW),
    ("joined 365 days ago", [OLD], [], YEAR_AGO, LifecycleStage.MATURE),
    ("new though closing", [OLD, CLOSED], [], ALMOST, LifecycleStage.NEW),
    ("closed more than opened", [OLD, CLOSED], [], None, LifecycleStage.DECLINING),
    ("closed as much as opened", [OLD, CLOSED, NEW], [], None, LifecycleStage.GROWING),
    ("closed a year ago", [OLD, Holding("LOAN", None, YEAR_AGO)], [], None, LifecycleStage.MATURE),
    ("inflow under 60 %", [OLD, NEW], months(100, 100, 100, 60, 60, 59), None, LifecycleStage.DECLINING),
    ("inflow of 60 %", [OLD, NEW], months(100, 100, 100, 60, 60, 60), None, LifecycleStage.GROWING),
    ("five months of inflow only", [OLD], months(100, 100, 0, 0, 0), None, LifecycleStage.MATURE),
    ("opened 364 days ago", [OLD, NEW], [], None, LifecycleStage.GROWING),
    ("opened 365 days ago", [OLD, Holding("CARD", YEAR_AGO)], [], None, LifecycleStage.MATURE),
    ("since an unknown day", [Holding("SAVE")], [], None, LifecycleStage.MATURE),
]


@pytest.mark.parametrize(("ever", "activity", "joined_on", "stage"), [case[1:] for case in STAGES], ids=[case[0] for case in STAGES])  # fmt: skip
def test_the_stage_is_the_first_that_fits(ever, activity, joined_on, stage):
    assert lifecycle.stage(ever, activity, joined_on, TODAY) is stage


def test_the_table_has_every_stage():
    assert {case[-1] for case in STAGES} == set(LifecycleStage)


@pytest.mark.parametrize(
    ("income", "held", "tier"),
    [
        (15_000.0, 0, ValueTier.HIGH),
        (14_999.99, 9, ValueTier.MIDDLE),
        (6_000.0, 0, ValueTier.MIDDLE),
        (5_999.99, 9, ValueTier.LOW),
        (0.0, 9, ValueTier.LOW),
        (None, 6, ValueTier.HIGH),
        (None, 5, ValueTier.MIDDLE),
        (None, 3, ValueTier.MIDDLE),
        (None, 2, ValueTier.LOW),
    ],
)
def test_the_tier_goes_by_income_or_else_by_products_held(income, held, tier):
    assert lifecycle.tier(income, held) is tier


@pytest.mark.parametrize(("month", "apart"), [("2026-06", 0), ("2026-05", 1), ("2025-12", 6), ("2024-06", 24)])
def test_months_are_counted_from_month_to_month(month, apart):
    assert lifecycle.months_between(month, TODAY) == apart
