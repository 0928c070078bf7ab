"""Asks a plugin again on what it failed on."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np

from graph.errors import SettingsError
from guanxi.deciding import model_in_force
from guanxi.settings import Settings
from plugins.contract import Field
from plugins.failures.failure import LOADING, RULES, SCHEMA, SETTINGS, Failure
from plugins.fields.carrying import unpacked_arguments
from plugins.fields.checks import WHAT, check_value, checked_field
from plugins.fields.shapes import Maybe
from plugins.host import PluginHost
from plugins.isolation.guard import check_candidates, check_reason, check_refusal, check_refused
from plugins.life_events import day_of
from recommenders.contract import Gate, LifeEvent, Recommender, Trainable


def ask_again(failure: Failure, path: Path, settings: Settings) -> None:
    """Ask what failed, in this thread and for as long as it takes; raises whatever it does.

    Raises:
        SettingsError: the plugin cannot be loaded, has no such item, or learnt nothing; or it cannot be asked again.
    """
    host = PluginHost()
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
    ask(found, failure, settings)


def left_open(failure: Failure) -> str:
    """Return what is not as it was when something failed: it may not fail again for that alone."""
    if failure.hook in ALONE:
        days = "products' days are moved, " if failure.hook == RULES else ""
        return f"{days}the bank's settings and other plugins are not there, and it may be by one of these that it fails"
    if failure.customers or failure.arguments:
        return "amounts are made up, and it may be by one that it fails"
    return "the bank's settings are not there, and it may be by one that it fails"


def _ask_recommender(found: Recommender, failure: Failure, settings: Settings) -> None:
    recommender, batch = _learnt(found, failure, settings), failure.batch()
    if not failure.customers:
        return
    candidates = recommender.propose(batch)
    check_candidates(candidates, batch)
    for row, column in np.argwhere(~np.isnan(candidates.scores)).tolist():
        check_reason(candidates.reason(row, column))


def _ask_gate(gate: Gate, failure: Failure, _: Settings) -> None:
    batch = failure.batch()
    for row, column in np.argwhere(check_refused(gate.refuses(batch), batch)).tolist():
        check_refusal(gate.explain(batch.customers[row], batch.catalogue.products[column]))


def _ask_event(event: LifeEvent, failure: Failure, _: Settings) -> None:
    day_of(event, failure.batch().customers[0])


def _ask_field(field: Field, failure: Failure, _: Settings) -> None:
    batch, checked = failure.batch(), checked_field(field)
    subject = failure.programme or next(iter((*batch.customers, *batch.catalogue)))
    value = field.resolve(subject, **unpacked_arguments(checked.parameters, failure.arguments))
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
ASKS: Final[Mapping[str, tuple[Callable[[Any], str], Callable[[Any, Failure, Settings], None]]]] = {
    "recommenders": (lambda recommender: recommender.name, _ask_recommender),
    "gates": (lambda gate: gate.code, _ask_gate),
    "events": (lambda event: event.code, _ask_event),
    "fields": (lambda field: f"{field.on}.{field.name}", _ask_field),
}
"""By the hook of what failed: what it is called in a report, and what asks it again."""


def _learnt(found: Recommender, failure: Failure, settings: Settings) -> Recommender:
    if not isinstance(found, Trainable):
        return found
    model = model_in_force(settings)
    learnt = model.apply([found], _raise) if model else []
    if not learnt and not failure.customers:
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
