"""A programme's contract with its partner: what it may cost, for how many it is, where, beside whom, and when not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, TypeAlias

from graph.words import ProgrammePlace

EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
Period: TypeAlias = tuple[date, date]
"""Its first and its last day."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the bank and the partner agreed on; the engine offers nothing beyond.

    Attributes:
        budget: what the benefit may cost in all, in the bank's currency.
        cost: what the benefit costs for each place.
        quota: how many places there may be: a customer takes one for each product.
        regions: where it is offered; empty is everywhere.
        exclusive_of: partners whose products may not stand beside the programme's.
        blackout: when it is not offered.
    """

    budget: float | None = None
    cost: float = 0.0
    quota: int | None = None
    regions: tuple[str, ...] = ()
    exclusive_of: tuple[str, ...] = ()
    blackout: tuple[Period, ...] = ()

    @property
    def is_counted(self) -> bool:
        """Whether acceptances end it."""
        return self.budget is not None or self.quota is not None

    def is_spent(self, accepted: int) -> bool:
        """Whether the budget does not pay for one acceptance more."""
        return self.budget is not None and self.cost * (accepted + 1) > self.budget

    def is_full(self, accepted: int) -> bool:
        """Whether the quota is reached."""
        return self.quota is not None and accepted >= self.quota

    def place(self, taken: int) -> ProgrammePlace:
        """Return how the last of so many places that are taken stands."""
        if self.is_full(taken - 1):
            return ProgrammePlace.OVER_QUOTA
        return ProgrammePlace.OVER_BUDGET if self.is_spent(taken - 1) else ProgrammePlace.WITHIN

    def blackout_on(self, day: date) -> Period | None:
        """Return the blackout that a day is in."""
        return next((period for period in self.blackout if period[0] <= day <= period[1]), None)


@dataclass(frozen=True, slots=True)
class Contract:
    """A programme's terms and what has become of them, as products know it.

    It has no count, so that a catalogue is another one only when something ends or begins.
    """

    terms: Terms
    is_spent: bool = False
    is_full: bool = False


def terms_of(programme: Mapping[str, Any]) -> Terms | None:
    """Return the terms of a programme's row; None where nothing is agreed on."""
    terms = Terms(
        budget=programme.get("budget"),
        cost=programme.get("benefit_cost") or 0.0,
        quota=programme.get("quota"),
        regions=tuple(programme.get("regions") or ()),
        exclusive_of=tuple(programme.get("exclusive_of") or ()),
        blackout=tuple(_period(days) for days in programme.get("blackout_days") or ()),
    )
    return None if terms == Terms(cost=terms.cost) else terms


def beginning(starts_on: date | None) -> datetime:
    """Return the moment from which a programme's acceptances count: a new first day begins a new contract."""
    return EVER if starts_on is None else datetime.combine(starts_on, time(), UTC)


def day_after(period: Period) -> date:
    """Return the first day after a period."""
    return period[1] + timedelta(1)


def _period(days: str) -> Period:
    first, _, last = days.partition("/")
    return date.fromisoformat(first), date.fromisoformat(last or first)
