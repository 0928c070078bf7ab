"""Asks plugins for life events elsewhere, each within a time: one that takes too long holds up nobody."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from plugins.failures.telling import Foreign, ours
from plugins.isolation import budgets
from plugins.isolation.threads import Apart
from plugins.isolation.workers import Given, Worker
from recommenders.contract import LifeEvent, Omitted
from recommenders.view import CustomerView

ENDED_TO_CLOSE: Final = 3
"""How often in a row its process may be ended for an event that is asked again at once."""
CLOSED_SECONDS: Final = 30.0


def in_thread(event: LifeEvent) -> LifeEvent:
    """Return an event that is asked in a thread; what takes too long is left behind, and not asked until it is done."""
    apart = Apart(event.code)

    def on(customer: CustomerView) -> date | None:
        apart.check_free()
        return apart.call(budgets.BUDGET_SECONDS, event.on, customer)

    return replace(event, on=on)


def in_process(event: LifeEvent, place: int, worker: Worker, given: Given) -> LifeEvent:
    """Return the event at a place among its plugin's, asked in its process."""
    return replace(event, on=_Remote(event.code, place, worker, given).on)


def check_day(code: str, day: object) -> None:
    """Return if it is a day, or None; raises TypeError."""
    if day is not None and (not isinstance(day, date) or isinstance(day, datetime)):
        raise ours(TypeError(f"gave {type(day).__name__} as the day of {code}, not a date"))


class _Remote:
    """Asks the process of its plugin, but for a while not if that was ended each time."""

    def __init__(
        self, code: str, place: int, worker: Worker, given: Given, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._code = code
        self._place = place
        self._worker = worker
        self._given = given
        self._clock = clock
        self._ended = 0
        self._closed_until = 0.0

    def on(self, customer: CustomerView) -> date | None:
        """Return the day; raises as a remote recommender does."""
        if self._clock() < self._closed_until:
            raise Omitted(self._code, "off")
        try:
            said, _ = self._worker.ask(budgets.BUDGET_SECONDS, self._given, "event", self._place, customer)
        except (Foreign, TimeoutError) as error:
            if not isinstance(error, Foreign) or error.ends:
                self._count()
            raise
        self._ended = 0
        return None if said is None else date.fromisoformat(said)

    def _count(self) -> None:
        self._ended += 1
        if self._ended >= ENDED_TO_CLOSE:
            self._closed_until = self._clock() + CLOSED_SECONDS
