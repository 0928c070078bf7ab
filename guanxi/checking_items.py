"""Checks of what a plugin is asked for one at a time: reasons, refusals, fields and life events."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from guanxi.bank import Bank
from guanxi.findings import Finding, answers, where
from plugins.contract import Field
from plugins.failures.failure import SCHEMA
from plugins.fields.checks import WHAT, check_value, checked_facts, checked_field
from plugins.fields.shapes import Maybe, Shape
from plugins.infos import PluginInfo
from plugins.isolation.budgets import own_budget
from plugins.isolation.guard import check_candidates, check_reason, check_refusal, check_refused
from plugins.isolation.threads import Apart
from plugins.life_events import day_of
from recommenders.batch import Batch
from recommenders.contract import Candidates, Gate, Mask, Reason, Recommender, Refusal

T = TypeVar("T")


def own_items(bank: Bank, info: PluginInfo, hook: str) -> list[Any]:
    """Return what a plugin has registered by a hook."""
    return [item for item, owner in bank.host.of(hook) if owner is info]


def check_schema(bank: Bank, info: PluginInfo) -> Iterator[Finding]:
    """Yield whether what a plugin adds to the schema, if anything, fits in beside all that is there."""
    added = [*own_items(bank, info, "fields"), *own_items(bank, info, "facts")]
    if not added:
        return
    from api.schema import build_schema  # its libraries take seconds to import, and most plugins need none

    build_schema(bank.host)
    told = info.error if info.error is not None and info.error.startswith(f"{SCHEMA}: ") else None
    info.mend(SCHEMA)  # it is told here, and once
    fits = f"{len(added)} fields and facts fit in"
    yield Finding(SCHEMA, passed=told is None, told=told.removeprefix(f"{SCHEMA}: ") if told else fits)


def check_items(bank: Bank, info: PluginInfo, batch: Batch, path: Path) -> Iterator[Finding]:
    """Yield what is found of a plugin's gates, fields and life events, over a batch."""
    for gate in own_items(bank, info, "gates"):
        bank.host.wait()  # its process may have been ended for what was asked before
        yield from _explains(gate, batch, path)
    customers = {customer.customer_no: customer for customer in batch.told}
    subjects: dict[str, Mapping[str, Any]] = {
        "Customer": customers,
        "Product": {product.product_code: product for product in batch.catalogue},
        "Programme": {code: code for code in bank.table("programmes")["programme_code"]},
    }
    for field in own_items(bank, info, "fields"):
        bank.host.wait()
        ask = partial(_value, field, Maybe(checked_field(field).shape))
        yield from answers(f"field {field.on}.{field.name}", ask, subjects[field.on], path)
    for event in own_items(bank, info, "events"):
        bank.host.wait()
        yield from answers(f"event {event.code}", partial(day_of, event), customers, path)


def check_reasons(
    bank: Bank, info: PluginInfo, recommender: Recommender, batch: Batch, path: Path
) -> Iterator[Finding]:
    """Yield what is found of the reasons of all that a recommender proposes to a batch."""
    facts = {own.type: checked_facts(own.type) for own in own_items(bank, info, "facts")}
    bank.host.wait()
    try:
        candidates = _in_time(partial(_candidates, recommender), batch)
    except (Exception, SystemExit):  # noqa: BLE001 - it is told where all of it is asked
        return
    pairs = _pairs(batch, ~np.isnan(candidates.scores))
    yield from answers(f"{recommender.name}, for its reasons,", partial(_reason, candidates, facts), pairs, path)


def _candidates(recommender: Recommender, batch: Batch) -> Candidates:
    """A batch's candidates; raises TypeError or ValueError where they are none, and whatever asking does."""
    candidates = recommender.propose(batch)
    check_candidates(candidates, batch)
    return candidates


def _refused(gate: Gate, batch: Batch) -> Mask:
    return check_refused(gate.refuses(batch), batch)


def _explains(gate: Gate, batch: Batch, path: Path) -> Iterator[Finding]:
    try:
        refused = _in_time(partial(_refused, gate), batch)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
        yield Finding(f"gate {gate.code} answers", passed=False, told=where(error, path))
        return
    pairs = _pairs(batch, refused)
    yield from answers(f"gate {gate.code}, for its refusals,", partial(_refusal, gate, batch), pairs, path)


def _in_time(ask: Callable[[Batch], T], batch: Batch) -> T:
    return Apart("check").call(own_budget(batch), ask, batch)


def _pairs(batch: Batch, marked: Any) -> dict[str, tuple[int, int]]:
    """Rows and columns that are marked, by the numbers and codes they are of."""
    codes = batch.catalogue.codes
    return {
        f"{batch.customers[row].customer_no}, {codes[column]}": (row, column)
        for row, column in np.argwhere(marked).tolist()
    }


def _reason(candidates: Candidates, facts: Mapping[type, Shape], pair: tuple[int, int]) -> Reason | None:
    reason = candidates.reason(*pair)
    check_reason(reason)
    if reason is not None and reason.facts is not None:
        if type(reason.facts) not in facts:
            raise TypeError(f"gave {type(reason.facts).__name__} as facts, which is none that it registers")
        check_value(facts[type(reason.facts)], reason.facts, "facts")
    return reason


def _refusal(gate: Gate, batch: Batch, pair: tuple[int, int]) -> Refusal:
    row, column = pair
    refusal = gate.explain(batch.customers[row], batch.catalogue[batch.catalogue.codes[column]])
    check_refusal(refusal)
    return refusal


def _value(field: Field, shape: Shape, subject: object) -> object:
    value: object = field.resolve(subject)
    check_value(shape, value, WHAT)
    return value
