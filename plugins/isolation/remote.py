"""Recommenders, gates and fields of a plugin that runs in a process of its own, as the server sees them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import TypeAdapter

from graph.records import Product
from plugins.contract import Field
from plugins.failures.telling import foreign
from plugins.fields.carrying import packed_arguments, unpacked
from plugins.fields.shapes import Maybe, parameters_of, shape_of
from plugins.isolation import budgets
from plugins.isolation.calls import Call, do_at_once
from plugins.isolation.fitting import fitted
from plugins.isolation.modes import Isolation
from plugins.isolation.workers import Given, Worker
from recommenders.batch import Batch
from recommenders.contract import (
    Arrays,
    Candidates,
    GateGroup,
    Mask,
    Reason,
    Recommender,
    Refusal,
    Trainable,
    text_from,
)
from recommenders.view import CustomerView

if TYPE_CHECKING:
    from recommenders.portfolio import Portfolio


class Remote(ABC):
    """A recommender that is asked in another process, and can be with others."""

    @abstractmethod
    def call(self, batch: Batch) -> Call:
        """Return what is asked there, to be done with others, and told to ``answered``."""

    @abstractmethod
    def answered(self, batch: Batch, call: Call) -> Candidates:
        """Return what a call that was done gave; raises as ``propose``."""


@dataclass(frozen=True)
class RemoteRecommender(Remote):
    """Asks the process of its plugin.

    Attributes:
        given: what it is set to, and what it learnt.
        facts: the types of what its reasons say, by their names.
    """

    name: str
    version: str
    worker: Worker
    given: Given
    facts: Mapping[str, type]

    def propose(self, batch: Batch) -> Candidates:
        """Return what the plugin's process answers.

        Raises:
            TimeoutError, Foreign: it took too long, raised something, or gave what is no candidates.
            Omitted: it is busy, or not there yet.
        """
        call = self.call(batch)
        do_at_once([call])
        return self.answered(batch, call)

    def call(self, batch: Batch) -> Call:
        """Return what is asked of the process."""
        given = {**self.given, "catalogue": (batch.catalogue,)}
        asked = "propose", self.name, batch.customers, batch.context
        return Call(self.worker, budgets.own_budget(batch), budgets.budget_of(batch), given, *asked)

    def answered(self, batch: Batch, call: Call) -> Candidates:
        """Return what the process answered; raises as ``propose``."""
        told, scores = call.outcome()
        found = np.frombuffer(scores, told["type"]).reshape(batch.shape)
        reasons = {(row, column): reason for row, column, reason in told["reasons"]}
        return Candidates(found, lambda row, column: _reason(reasons[row, column], self.facts))


@dataclass(frozen=True)
class RemoteLearner(RemoteRecommender):
    """One that learns, in a process that is ended then, and answers from the process of its plugin."""

    local: Trainable = field(kw_only=True)
    isolation: Isolation = field(kw_only=True)
    learns_from_customers: bool = field(kw_only=True)

    def fit(self, portfolio: "Portfolio") -> Arrays:
        """Learn; raises as ``fitted``."""
        return fitted(self.local, self.worker, self.isolation, self.given, portfolio)

    def with_arrays(self, arrays: Arrays, product_codes: Sequence[str]) -> Recommender:
        """Return what answers from arrays."""
        learnt = {f"learnt {self.name}": (self.name, arrays, product_codes)}
        return RemoteRecommender(self.name, self.version, self.worker, {**self.given, **learnt}, self.facts)


@dataclass(frozen=True)
class RemoteGate:
    """The gate at a place among its plugin's; asks the process of its plugin."""

    gate: GateGroup
    code: str
    worker: Worker
    place: int
    given: Given

    def refuses(self, batch: Batch) -> Mask:
        """Return what it refuses; raises as a recommender does."""
        given = {**self.given, "catalogue": (batch.catalogue,)}
        budget = budgets.own_budget(batch)
        _, mask = self.worker.ask(budget, given, "refuses", self.place, batch.customers, batch.context)
        return np.frombuffer(mask, np.bool_).reshape(batch.shape)

    def explain(self, customer: CustomerView, product: Product) -> Refusal:
        """Return why; raises as a recommender does."""
        said, _ = self.worker.ask(budgets.BUDGET_SECONDS, self.given, "explain", self.place, customer, product)
        group, code, text, saw, unlock = said
        return Refusal(group, code, text_from(text), saw, None if unlock is None else text_from(unlock))


def remote_resolve(own: Field, place: int, worker: Worker, given: Given) -> Callable[..., Any]:
    """Return what resolves the field at a place among its plugin's in its process; raises as a recommender does."""
    shape, parameters = Maybe(shape_of(own.type)), parameters_of(own.resolve)

    @wraps(own.resolve)
    def resolve(subject: object, **arguments: object) -> Any:
        said = packed_arguments(parameters, arguments)
        told, _ = worker.ask(budgets.BUDGET_SECONDS, given, "field", place, subject, said)
        return unpacked(shape, told)

    return resolve


def _reason(told: Any, types: Mapping[str, type]) -> Reason | None:
    if told is None:
        return None
    if "failed" in told:
        raise foreign(told["failed"])
    return Reason(told["by"], tuple(told["path"]), text_from(told["text"]), _facts(told["facts"], types))


def _facts(told: Any, types: Mapping[str, type]) -> object | None:
    """What a reason says; None where that is of no type that the plugin registers, as nobody could show it."""
    if told is None or told[0] not in types:
        return None
    facts: object = TypeAdapter(types[told[0]]).validate_python(told[1])
    return facts
