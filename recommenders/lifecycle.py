"""Lifecycle stage and value tier by rule, where the bank's file does not give them.

Stages, first that fits, on the day looked at:

- prospect: never held anything
- lost: held something, holds nothing
- dormant: activity is known, and none in the last 6 months
- new: with the bank for less than 12 months
- declining: closed more than opened in the last 12 months, or inflow of the last 3 months under 60 % of the 3 before
- growing: opened something in the last 12 months
- mature: all others

Value tier of a person by income a month (high from 15,000, middle from 6,000) or, where that is unknown, and of a
firm, by products held (high from 6, middle from 3).
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from graph.records import ActivityMonth, Holding
from graph.words import LifecycleStage, ValueTier

YEAR_DAYS: Final = 365
DORMANT_MONTHS: Final = 6
DECLINE: Final = 0.6
INCOMES: Final = ((15_000.0, ValueTier.HIGH), (6_000.0, ValueTier.MIDDLE))
HOLDINGS: Final = ((6, ValueTier.HIGH), (3, ValueTier.MIDDLE))


def stage(
    ever: Sequence[Holding], activity: Sequence[ActivityMonth], joined_on: date | None, today: date
) -> LifecycleStage:
    """Return the stage of a customer who ever had ``ever``; nothing may be dated after ``today``."""
    open_now = [holding for holding in ever if holding.closed_on is None]
    if not ever:
        return LifecycleStage.PROSPECT
    if not open_now:
        return LifecycleStage.LOST
    if activity and months_between(activity[-1].month, today) >= DORMANT_MONTHS:
        return LifecycleStage.DORMANT
    if joined_on is not None and (today - joined_on).days < YEAR_DAYS:
        return LifecycleStage.NEW
    opened = sum(_within_year(holding.opened_on, today) for holding in ever)
    closed = sum(_within_year(holding.closed_on, today) for holding in ever)
    if closed > opened or _inflow_falls(activity):
        return LifecycleStage.DECLINING
    return LifecycleStage.GROWING if opened else LifecycleStage.MATURE


def tier(income: float | None, held: int) -> ValueTier:
    """Return the value tier by monthly income, or by the number of products held."""
    if income is not None:
        return next((tier for least, tier in INCOMES if income >= least), ValueTier.LOW)
    return next((tier for least, tier in HOLDINGS if held >= least), ValueTier.LOW)


def months_between(month: str, today: date) -> int:
    """Whole months from ``YYYY-MM`` to the month of ``today``."""
    return (today.year - int(month[:4])) * 12 + today.month - int(month[5:])


def _within_year(day: date | None, today: date) -> bool:
    return day is not None and (today - day).days < YEAR_DAYS


def _inflow_falls(activity: Sequence[ActivityMonth]) -> bool:
    inflows = [month.inflow or 0.0 for month in activity[-6:]]
    return len(inflows) == 6 and sum(inflows[3:]) < DECLINE * sum(inflows[:3])
