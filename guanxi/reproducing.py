"""Asks a plugin again on what it failed on."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import numpy as np

from graph.errors import SettingsError
from guanxi.deciding import model_in_force
from guanxi.hanging import is_too_late, stacks
from guanxi.settings import Settings
from plugins.contract import Field
from plugins.failures.failure import LOADING, RULES, SCHEMA, SETTINGS, Failure
from plugins.failures.telling import PROCESS_ENDED, Foreign, told
from plugins.fields.carrying import unpacked_arguments
from plugins.fields.checks import WHAT, check_value, checked_field
from plugins.fields.shapes import Maybe
from plugins.host import PluginHost
from plugins.isolation import budgets, threads
from plugins.isolation.guard import check_candidates, check_reason, check_refusal, check_refused
from plugins.isolation.modes import THREADS, Isolation
from plugins.life_events import day_of
from recommenders.contract import Gate, LifeEvent, Recommender, Trainable

T = TypeVar("T")

PATIENT_SECONDS: Final = 10.0
"""How long what was not too slow may take in a thread: one that errs late on this machine is shown to err."""
SHORT: Final[Mapping[str, str]] = {"TimeoutError": "time", "MemoryError": "memory", PROCESS_ENDED: "memory"}
"""What was wanting, by the type of an error."""
IN_A: Final = {"thread": "It has ended since.", "process": "GUANXI_PLUGIN_ISOLATION=thread shows where it is."}
"""What is said where no line is known, by how plugins are kept apart."""


def ask_again(failure: Failure, path: Path, settings: Settings) -> None:
    """Ask what failed, where the settings have plugins run and in a time of its own; raises whatever it does.

    Raises:
        SettingsError: the plugin cannot be loaded, has no such item, or learnt nothing; or it cannot be asked again.
    """
    host = PluginHost(isolation=_isolation(failure, settings))
    try:
        _ask(host, failure, path, settings)
    except TimeoutError as error:
        if is_too_late(error):
            error.add_note("\n".join(map(_still_at, stacks(path))) or IN_A[_isolation(failure, settings).mode])
        raise
    finally:
        host.close()


def shown(error: BaseException) -> str:
    """Return an error as its owner is shown it, without guanxi's lines where the plugin has none in between."""
    if isinstance(error, Foreign):
        lines = [f'  File "{frame.file}", line {frame.line}, in {frame.function}\n' for frame in error.frames]
        return "".join(["In the plugin's process:\n", *lines, told(error)])
    return "".join(traceback.format_exception_only(error) if is_too_late(error) else traceback.format_exception(error))


def _ask(host: PluginHost, failure: Failure, path: Path, settings: Settings) -> None:
    info = host.add_path(path)
    if info.error is not None:
        raise SettingsError(f"The plugin at {path} is {info.state}: {info.error}")
    if failure.hook in ALONE:
        ALONE[failure.hook](host, failure)
        return
    if failure.hook not in ASKS:
        why = ELSEWHERE.get(failure.hook, "no hook has this name")
        raise SettingsError(f"{failure.item} cannot be asked again by itself: {why}.")
    name_of, ask = ASKS[failure.hook]
    found = next((item for item, _ in host.of(failure.hook) if name_of(item) == failure.item), None)
    if found is None:
        raise SettingsError(f"This plugin has no {failure.hook.removesuffix('s')} named {failure.item!r}.")
    ask(found, _Again(failure, settings))


def left_open(failure: Failure, settings: Settings) -> str:
    """Return what is not as it was when something failed: it may not fail again for that alone."""
    if (short := _short_of(failure)) is not None:
        return f"it failed for want of {short}, and there may be more of it here{_BOUNDED[settings.isolation.mode]}"
    if failure.hook in ALONE:
        days = "products' days are moved, " if failure.hook == RULES else ""
        return f"{days}the bank's settings and other plugins are not there, and it may be by one of these that it fails"
    if failure.customers or failure.arguments:
        return "amounts are made up, and it may be by one that it fails"
    return "the bank's settings are not there, and it may be by one that it fails"


_BOUNDED: Final = {
    "thread": "; GUANXI_PLUGIN_ISOLATION=process bounds its memory, too",
    "process": "",
}
"""What bounds more, by how plugins are kept apart."""


@dataclass(frozen=True, slots=True)
class _Again:
    """A failure that is asked for again, and under which settings."""

    failure: Failure
    settings: Settings

    def call(self, seconds: float, function: Callable[..., T], *arguments: Any) -> T:
        """Return what a function of a plugin gives in the time that a server gives it; raises TimeoutError."""
        if _isolation(self.failure, self.settings).mode == "process":  # which keeps its time
            return function(*arguments)
        least = 0.0 if _short_of(self.failure) == "time" else PATIENT_SECONDS
        return threads.Apart(self.failure.item).call(max(seconds, least), function, *arguments)


def _ask_recommender(found: Recommender, again: _Again) -> None:
    recommender, batch = _learnt(found, again), again.failure.batch()
    if not again.failure.customers:
        return
    candidates = again.call(budgets.own_budget(batch), recommender.propose, batch)
    check_candidates(candidates, batch)
    for row, column in np.argwhere(~np.isnan(candidates.scores)).tolist():
        check_reason(again.call(budgets.BUDGET_SECONDS, candidates.reason, row, column))


def _ask_gate(gate: Gate, again: _Again) -> None:
    batch = again.failure.batch()
    refused = check_refused(again.call(budgets.own_budget(batch), gate.refuses, batch), batch)
    for row, column in np.argwhere(refused).tolist():
        asked = batch.customers[row], batch.catalogue.products[column]
        check_refusal(again.call(budgets.BUDGET_SECONDS, gate.explain, *asked))


def _ask_event(event: LifeEvent, again: _Again) -> None:
    again.call(budgets.BUDGET_SECONDS, day_of, event, again.failure.batch().customers[0])


def _ask_field(field: Field, again: _Again) -> None:
    failure, checked = again.failure, checked_field(field)
    batch = failure.batch()
    subject = failure.programme or next(iter((*batch.customers, *batch.catalogue)))
    arguments = unpacked_arguments(checked.parameters, failure.arguments)
    value = again.call(budgets.BUDGET_SECONDS, lambda: field.resolve(subject, **arguments))
    check_value(Maybe(checked.shape), value, WHAT)


def _ask_rules(host: PluginHost, failure: Failure) -> None:
    for own in host.loaded:
        host.try_rules(own, failure.batch().catalogue)


ALONE: Final[Mapping[str, Callable[[PluginHost, Failure], None]]] = {LOADING: lambda *_: None, RULES: _ask_rules}
"""What asks again of the whole of a plugin, once it is loaded, by what failed."""
ELSEWHERE: Final = {
    "breakdowns": "it failed on counts of members; guanxi programmes report asks it",
    "facts": "it failed on what a recommender gave",
    SCHEMA: "it failed beside what others add to the schema; guanxi plugins schema shows it",
    "jobs": "guanxi jobs run does so, on the bank",
    SETTINGS: "it failed under the bank's settings; guanxi plugins says on which",
}
"""Why the rest is not asked, by the hook."""
ASKS: Final[Mapping[str, tuple[Callable[[Any], str], Callable[[Any, _Again], None]]]] = {
    "recommenders": (lambda recommender: recommender.name, _ask_recommender),
    "gates": (lambda gate: gate.code, _ask_gate),
    "events": (lambda event: event.code, _ask_event),
    "fields": (lambda field: f"{field.on}.{field.name}", _ask_field),
}
"""By the hook of what failed: what it is called in a report, and what asks it again."""


def _learnt(found: Recommender, again: _Again) -> Recommender:
    if not isinstance(found, Trainable):
        return found
    model = model_in_force(again.settings)
    learnt = again.call(PATIENT_SECONDS, model.apply, [found], _raise) if model else []
    if not learnt and not again.failure.customers:
        raise SettingsError(
            f"{found.name!r} failed at learning, and the model in force has nothing that it learnt; guanxi plugins "
            "check PATH --own-bank has it learn anew, and shows the error."
        )
    if not learnt:
        raise SettingsError(
            f"{found.name!r} learns, and the model in force has nothing that it learnt; run guanxi train."
        )
    return learnt[0]


def _raise(_: Recommender, error: BaseException) -> NoReturn:
    raise error


def _isolation(failure: Failure, settings: Settings) -> Isolation:
    """Return where a plugin is asked again: to take in what it learnt, here, as its process would do so when asked."""
    is_of_learning = failure.hook == "recommenders" and not failure.customers
    return THREADS if is_of_learning else settings.isolation


def _short_of(failure: Failure) -> str | None:
    return SHORT.get(failure.place.partition(" ")[0].rstrip(":"))


def _still_at(stack: Sequence[traceback.FrameSummary]) -> str:
    return "It is still at:\n" + "".join(traceback.format_list(list(stack))).rstrip()
