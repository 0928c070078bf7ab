"""Asks plugins' fields for many things at once: in a thread, in a given time, and without being brought down by one.

A call that runs out of time is left behind in its thread, with what it asks of just then, and of no more; until that is
done, the field is not asked. Nor is it for 30 seconds once it failed for three customers (or products, or programmes)
after its last value; each call that runs out of time counts as one more. One in a process of its own is ended with it.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from graph.records import Product
from plugins.failures.failure import Asked
from plugins.failures.reports import NOWHERE, FailureReports
from plugins.failures.telling import Foreign, placed, told
from plugins.fields.carrying import packed_arguments
from plugins.fields.checks import WHAT, Checked, check_value
from plugins.fields.shapes import Maybe
from plugins.infos import PluginInfo
from plugins.isolation.budgets import budget_for
from plugins.isolation.guard import FAILURES_TO_OPEN, OPEN_SECONDS, Health, State
from plugins.isolation.threads import Apart, OwnThread, too_late
from recommenders.contract import Omitted
from recommenders.view import CustomerView

logger = logging.getLogger("guanxi.plugins")

MARK: Final = "field "


@dataclass(slots=True)
class _Progress:
    """What has come of a call so far: ``place`` is what is asked of now, ``outcomes`` have the error of each, or None.

    Once ``is_left``, nobody waits for more.
    """

    values: list[Any]
    place: int = 0
    outcomes: dict[int, BaseException | None] = field(default_factory=dict)
    is_left: bool = False

    @property
    def errors(self) -> list[tuple[int, BaseException]]:
        """What failed, each with its place."""
        return [(place, error) for place, error in self.outcomes.items() if error is not None]

    def left(self, late: TimeoutError) -> "_Progress":
        """Return it as it is left behind: late in what is asked of now, unless that has just failed."""
        self.is_left = True
        outcomes, place = dict(self.outcomes), self.place
        if outcomes.get(place) is None:
            outcomes[place] = late
        return _Progress(list(self.values), place, outcomes)


class FieldCalls:
    """A field as the server asks it; what fails is null, and is counted with the plugin."""

    def __init__(
        self,
        checked: Checked,
        plugin: PluginInfo,
        clock: Callable[[], float] = time.monotonic,
        reports: FailureReports = NOWHERE,
    ) -> None:
        self.checked = checked
        self.plugin = plugin
        self.health = Health()
        self._failed = set[Hashable]()
        self._reports = reports
        self._may_be_null = Maybe(checked.shape)
        self._clock = clock
        self._apart = Apart(self.name)

    @property
    def name(self) -> str:
        """What a failure is told of."""
        return f"{self.checked.field.on}.{self.checked.field.name}"

    @property
    def state(self) -> State:
        """What a call would meet now."""
        if self._apart.is_busy:
            return "busy"
        if self.health.off_until > self._clock():
            return "off"
        return "failing" if self.health.since_success else "ready"

    async def values(
        self, keys: Sequence[Hashable], subjects: Sequence[object | None], arguments: Mapping[str, object]
    ) -> list[Any]:
        """Return the field's value of each subject, in their order; None for one that is None, and where it fails.

        ``keys`` tell the subjects of this call and others apart.
        """
        progress = _Progress([None] * len(subjects))
        wanted = [place for place, subject in enumerate(subjects) if subject is not None]
        if not wanted or self.state in ("busy", "off"):
            return progress.values
        progress.place = wanted[0]
        started, budget = self._clock(), budget_for(len(wanted))
        running = OwnThread(f"field {self.name}").submit(self._ask, subjects, arguments, progress)
        try:
            await asyncio.wait_for(asyncio.wrap_future(running), budget)
        except TimeoutError:
            self._apart.leave(running)
            progress = progress.left(too_late(budget))
        self.health.calls += 1
        self.health.seconds += self._clock() - started
        self._count(progress, keys)
        if progress.errors:
            await asyncio.to_thread(self._report, progress, subjects, arguments)
        return progress.values

    def _ask(self, subjects: Sequence[object | None], arguments: Mapping[str, object], progress: _Progress) -> None:
        for place, subject in enumerate(subjects):
            if progress.is_left:
                return
            if subject is None:
                continue
            progress.place = place
            try:
                value = self.checked.field.resolve(subject, **arguments)
                check_value(self._may_be_null, value, WHAT)
            except Omitted:
                return
            except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
                progress.outcomes[place] = error
            else:
                progress.values[place] = value
                progress.outcomes[place] = None

    def _count(self, progress: _Progress, keys: Sequence[Hashable]) -> None:
        health = self.health
        if not progress.outcomes:
            return  # its process is busy, or not there yet
        for place, error in progress.outcomes.items():
            if error is None:
                self._failed.clear()
            elif len(self._failed) < FAILURES_TO_OPEN:
                self._failed.add(health.calls if _ends(error) else keys[place])
        health.since_success = len(self._failed)
        if not progress.errors:
            self.plugin.mend(f"{MARK}{self.name}")
            return
        health.failures += len(progress.errors)
        health.last_error, health.last_place = told(progress.errors[0][1]), placed(progress.errors[0][1])
        if health.since_success >= FAILURES_TO_OPEN:
            health.off_until = self._clock() + OPEN_SECONDS
        for _, error in progress.errors:
            note_failed(self.plugin, self.name, error)

    def _report(self, progress: _Progress, subjects: Sequence[object | None], arguments: Mapping[str, object]) -> None:
        for place, error in progress.errors:
            self._reports.tell(self.plugin, "fields", self.name, error, self._told(subjects[place], arguments))

    def _told(self, subject: object, arguments: Mapping[str, object]) -> Asked:
        defaults = {own.name: own.default for own in self.checked.parameters}
        given = {name: value for name, value in arguments.items() if value != defaults[name]}
        return replace(
            _asked_of(subject),
            arguments=lambda disguise: packed_arguments(self.checked.parameters, disguise.arguments(given)),
        )


def _asked_of(subject: object) -> Asked:
    match subject:
        case CustomerView():
            return Asked.of(customers=(subject,))
        case Product():
            return Asked.of(products=(subject,))
        case code:
            return replace(Asked.of(), programme=str(code))


def note_failed(plugin: PluginInfo, name: str, error: BaseException) -> None:
    """Record with the plugin that a field, or facts, of it failed; the log has where, and nothing of what it says."""
    plugin.note(f"{MARK}{name}: {told(error)}", placed(error))
    logger.warning("%s%s of plugin %s failed: %s", MARK, name, plugin.name, placed(error))


def _ends(error: BaseException) -> bool:
    """Whether it cost others their time, or the plugin its process."""
    return error.ends if isinstance(error, Foreign) else isinstance(error, TimeoutError)
