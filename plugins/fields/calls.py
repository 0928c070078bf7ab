"""Asks plugins' fields for many things at once: in a thread, in a given time, and without being brought down by one.

A call that runs out of time is left behind in its thread; until that is done, and for 30 seconds once three calls in a
row gave nothing but failures, the field is not asked. One in a process of its own is ended with it.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from plugins.failures.telling import told
from plugins.fields.checks import WHAT, Checked, check_value
from plugins.fields.shapes import Maybe
from plugins.infos import PluginInfo
from plugins.isolation.budgets import BATCH_SECONDS, BUDGET_SECONDS
from plugins.isolation.guard import FAILURES_TO_OPEN, OPEN_SECONDS, Health, State
from plugins.isolation.threads import OwnThread
from recommenders.contract import Omitted

logger = logging.getLogger("guanxi.plugins")

MARK: Final = "field "


@dataclass(slots=True)
class _Asked:
    """What has come of a call so far."""

    values: list[Any]
    given: int = 0
    errors: list[BaseException] = field(default_factory=list)


class FieldCalls:
    """A field as the server asks it; what fails is null, and is counted with the plugin."""

    def __init__(self, checked: Checked, plugin: PluginInfo, clock: Callable[[], float] = time.monotonic) -> None:
        self.checked = checked
        self.plugin = plugin
        self.health = Health()
        self._may_be_null = Maybe(checked.shape)
        self._clock = clock
        self._overdue: Future[None] | None = None

    @property
    def name(self) -> str:
        """What a failure is told of."""
        return f"{self.checked.field.on}.{self.checked.field.name}"

    @property
    def state(self) -> State:
        """What a call would meet now."""
        if self._overdue is not None and not self._overdue.done():
            return "busy"
        if self.health.off_until > self._clock():
            return "off"
        return "failing" if self.health.in_a_row else "ready"

    async def values(self, subjects: Sequence[object | None], arguments: Mapping[str, object]) -> list[Any]:
        """Return the field's value of each subject, in their order; None for one that is None, and where it fails."""
        asked = _Asked([None] * len(subjects))
        wanted = sum(subject is not None for subject in subjects)
        if not wanted or self.state in ("busy", "off"):
            return asked.values
        started, budget = self._clock(), BUDGET_SECONDS + BATCH_SECONDS * wanted
        running = OwnThread(f"field {self.name}").submit(self._ask, subjects, arguments, asked)
        try:
            await asyncio.wait_for(asyncio.wrap_future(running), budget)
        except TimeoutError:
            self._overdue = running
            asked = _Asked(list(asked.values), asked.given, [*asked.errors, TimeoutError(_late(budget))])
        self.health.calls += 1
        self.health.seconds += self._clock() - started
        self._count(asked)
        return asked.values

    def _ask(self, subjects: Sequence[object | None], arguments: Mapping[str, object], asked: _Asked) -> None:
        for place, subject in enumerate(subjects):
            if subject is None:
                continue
            try:
                value = self.checked.field.resolve(subject, **arguments)
                check_value(self._may_be_null, value, WHAT)
            except Omitted:
                return
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
                asked.errors.append(error)
            else:
                asked.values[place] = value
                asked.given += 1

    def _count(self, asked: _Asked) -> None:
        health = self.health
        if not asked.errors and not asked.given:
            return  # its process is busy, or not there yet
        if not asked.errors:
            health.in_a_row = 0
            self.plugin.mend(f"{MARK}{self.name}: ")
            return
        health.failures += len(asked.errors)
        health.last_error = told(asked.errors[0])
        health.in_a_row = 0 if asked.given else health.in_a_row + 1
        if health.in_a_row >= FAILURES_TO_OPEN:
            health.off_until = self._clock() + OPEN_SECONDS
        for error in asked.errors:
            note_failed(self.plugin, self.name, error)


def note_failed(plugin: PluginInfo, name: str, error: BaseException) -> None:
    """Record with the plugin that a field, or facts, of it failed; the log has where."""
    plugin.note(f"{MARK}{name}: {told(error)}")
    logger.warning("%s%s of plugin %s failed: %s", MARK, name, plugin.name, type(error).__name__, exc_info=error)


def _late(budget: float) -> str:
    return f"took longer than {budget * 1000:.0f} ms"
