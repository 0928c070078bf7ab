"""Counts members by plugins' breakdowns elsewhere, each within a time: one that takes too long stops nobody."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import date
from typing import TypeAlias

from graph.records import Members
from plugins.contract import Breakdown
from plugins.failures.telling import ours
from plugins.isolation.budgets import breakdown_budget
from plugins.isolation.threads import Apart, OwnThread, too_late
from plugins.texts import NO_TEXT, is_utf8

Group: TypeAlias = Callable[[Members, date], str]
Counts: TypeAlias = dict[date, dict[str, int]]
"""Members by day and group."""


class GroupApart:
    """Groups members in a thread; what takes too long is left behind, and it is not asked until that is done."""

    def __init__(self, breakdown: Breakdown) -> None:
        self._name = breakdown.name
        self._group = breakdown.group
        self._apart = Apart(breakdown.name)

    def __call__(self, members: Members, day: date) -> str:
        """Return the group, in the thread of who asks."""
        return self._group(members, day)

    async def counts(self, ever: Sequence[Members], days: Sequence[date]) -> Counts:
        """Return how many of those who ever were members are in each group on some days.

        Raises:
            Omitted: what took too long still runs.
            TimeoutError: it takes too long; and whatever else the plugin does.
        """
        self._apart.check_free()
        budget = breakdown_budget(len(ever) * len(days))
        running: Future[Counts] = OwnThread(f"breakdown {self._name}").submit(_counts, self._group, ever, days)
        waiting = asyncio.wrap_future(running)
        try:
            await asyncio.wait([waiting], timeout=budget)
            if not running.done():
                raise too_late(budget)
            return running.result()
        finally:
            if not running.done():
                self._apart.leave(running)
            if not waiting.cancel():
                waiting.exception()  # asyncio logs what nobody has asked for


def in_thread(breakdown: Breakdown) -> Breakdown:
    """Return a breakdown that has a time of its own."""
    return replace(breakdown, group=GroupApart(breakdown))


async def counted(breakdown: Breakdown, ever: Sequence[Members], days: Sequence[date]) -> Counts:
    """Return the counts of a breakdown, as ``GroupApart.counts`` does; a shipped one has all the time that it takes."""
    group = breakdown.group
    if isinstance(group, GroupApart):
        return await group.counts(ever, days)
    return await asyncio.to_thread(_counts, group, ever, days)


def _counts(group: Group, ever: Sequence[Members], days: Sequence[date]) -> Counts:
    return {day: _grouped(group, ever, day) for day in days}


def _grouped(group: Group, ever: Sequence[Members], day: date) -> dict[str, int]:
    counts = Counter[str]()
    for own in (own for own in ever if own.are_there(day)):
        name = group(own, day)
        if not isinstance(name, str):
            raise ours(TypeError(f"gave {type(name).__name__} as a group of members, not a text"))
        if not is_utf8(name):
            raise ours(ValueError(f"gave a group of members that has {NO_TEXT}"))
        counts[name] += own.count
    return dict(counts)
