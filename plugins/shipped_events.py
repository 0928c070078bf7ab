"""The events of customers' lives that any bank can see: a salary begins to come, or comes no more.

By the months of activity that are known. A salary has stopped when it came for three months, and then not for two.
"""

from collections.abc import Callable
from datetime import date
from typing import Final

from plugins.hookspecs import hookimpl
from recommenders.contract import LifeEvent
from recommenders.gates import say
from recommenders.view import CustomerView

STEADY_MONTHS: Final = 3
MISSED_MONTHS: Final = 2


def salary_started(customer: CustomerView) -> date | None:
    """Return the first of the month since which a salary comes, after a month that is known to be without."""
    months, paid = customer.activity, customer.salary_months
    if not 0 < paid < len(months):
        return None
    return date.fromisoformat(f"{months[-paid].month}-01")


def salary_stopped(customer: CustomerView) -> date | None:
    """Return the first of the month in which a steady salary came no more."""
    months = customer.activity
    missed = next((count for count, month in enumerate(reversed(months)) if month.salary), 0)
    steady = months[: len(months) - missed][-STEADY_MONTHS:]
    if missed < MISSED_MONTHS or len(steady) < STEADY_MONTHS or not all(month.salary for month in steady):
        return None
    return date.fromisoformat(f"{months[-missed].month}-01")


@hookimpl
def events(register: Callable[[LifeEvent], None]) -> None:
    """What becomes of a customer's salary."""
    register(LifeEvent("SALARY_STARTED", say("A salary has begun to come.", "开始有工资入账。"), salary_started))
    register(LifeEvent("SALARY_STOPPED", say("A salary comes no more.", "工资停止入账。"), salary_stopped))
