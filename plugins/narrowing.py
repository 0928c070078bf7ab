"""Lets a plugin see what its permissions cover and no more, whenever it is asked: of customers, or in training.

What it registers is wrapped as soon as it is registered, so nobody can ask it otherwise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from graph.records import Product
from plugins.contract import Field
from plugins.functions import FunctionRecommender, Said, Speaking
from plugins.isolation.calls import Call
from plugins.isolation.remote import Remote, RemoteRecommender
from plugins.registration import Registered
from recommenders.batch import Batch
from recommenders.contract import (
    Arrays,
    Candidates,
    Gate,
    GateGroup,
    LifeEvent,
    Mask,
    Reason,
    Recommender,
    Refusal,
    Trainable,
    learns_from_customers,
)
from recommenders.gates import Rule
from recommenders.sight import Sight
from recommenders.view import CustomerView

if TYPE_CHECKING:
    from recommenders.portfolio import Portfolio


def narrowed(own: Registered) -> Registered:
    """Wrap what a plugin has registered.

    Raises:
        PluginError: a permission that it declares is no kind of data.
    """
    sight = Sight.of(own.about.permissions)
    if sight.is_whole:
        return own
    items = dict(own.items)
    for hook, wrap in WRAPS.items():
        items[hook] = [wrap(item, sight) for item in own.of(hook)]
    return replace(own, items=items)


@dataclass(frozen=True)
class NarrowedRecommender:
    """A recommender that sees what is covered; its reasons' paths have true numbers."""

    inner: Recommender
    sight: Sight

    @property
    def name(self) -> str:
        """The inner recommender's."""
        return self.inner.name

    @property
    def version(self) -> str:
        """The inner recommender's."""
        return self.inner.version

    @property
    def is_told(self) -> bool:
        """Whether it sees what a model says of customers beside products."""
        return self.sight.is_told

    def propose(self, batch: Batch) -> Candidates:
        """Ask the inner recommender; raises whatever it does."""
        return self._shown(self.inner.propose(self.sight.batch(batch)), batch)

    def _shown(self, found: Candidates, batch: Batch) -> Candidates:
        if self.sight.sees("identifiers") or not isinstance(found, Candidates):
            return found
        return Candidates(found.scores, lambda row, column: self._true(found.reason(row, column), batch.customers[row]))

    def _true(self, told: Reason | None, customer: CustomerView) -> Reason | None:
        if not isinstance(told, Reason) or not isinstance(told.path, tuple):
            return told  # the guard says what is wrong with it
        return replace(told, path=self.sight.true_path(told.path, customer))


@dataclass(frozen=True)
class NarrowedFunction(NarrowedRecommender, Speaking):
    """One that is made of a function, and can be asked as such."""

    inner: FunctionRecommender

    def said(self, batch: Batch) -> Said:
        """Ask the function; raises whatever it does."""
        return self.inner.said(self.sight.batch(batch))

    def reason(self, batch: Batch, said: Said, row: int, column: int) -> Reason | None:
        """Return the reason of what was said of a batch."""
        return self._true(self.inner.reason(self.sight.batch(batch), said, row, column), batch.customers[row])


@dataclass(frozen=True)
class NarrowedRemote(NarrowedRecommender, Remote):
    """One in a process, which can be asked with others."""

    inner: RemoteRecommender

    def call(self, batch: Batch) -> Call:
        """Return what is asked of the process."""
        return self.inner.call(self.sight.batch(batch))

    def answered(self, batch: Batch, call: Call) -> Candidates:
        """Return what a call gave; raises as the inner recommender does."""
        return self._shown(self.inner.answered(self.sight.batch(batch), call), batch)


@dataclass(frozen=True)
class NarrowedTrainable(NarrowedRecommender):
    """One that learns, of a portfolio without what is not covered."""

    inner: Trainable

    @property
    def learns_from_customers(self) -> bool:
        """Whether the inner recommender does."""
        return learns_from_customers(self.inner)

    def fit(self, portfolio: "Portfolio") -> Arrays:
        """Have the inner recommender learn."""
        return self.inner.fit(self.sight.portfolio(portfolio))

    def with_arrays(self, arrays: Arrays, product_codes: Sequence[str]) -> NarrowedRecommender:
        """Return the trained recommender, narrowed too."""
        return _recommender(self.inner.with_arrays(arrays, product_codes), self.sight)


@dataclass(frozen=True)
class NarrowedGate:
    """A gate that sees what is covered."""

    inner: Gate
    sight: Sight

    @property
    def gate(self) -> GateGroup:
        """The inner gate's."""
        return self.inner.gate

    @property
    def code(self) -> str:
        """The inner gate's."""
        return self.inner.code

    def refuses(self, batch: Batch) -> Mask:
        """Ask the inner gate."""
        return self.inner.refuses(self.sight.batch(batch))

    def explain(self, customer: CustomerView, product: Product) -> Refusal:
        """Ask the inner gate."""
        return self.inner.explain(self.sight.view(customer), product)


def _recommender(inner: Recommender, sight: Sight) -> NarrowedRecommender:
    if isinstance(inner, FunctionRecommender):
        return NarrowedFunction(inner, sight)
    if isinstance(inner, Trainable):
        return NarrowedTrainable(inner, sight)
    return NarrowedRemote(inner, sight) if isinstance(inner, RemoteRecommender) else NarrowedRecommender(inner, sight)


def _gate(inner: Gate, sight: Sight) -> Gate:
    if not isinstance(inner, Rule):
        return NarrowedGate(inner, sight)
    return replace(  # a rule stays one: the bank's own are told by it
        inner,
        refusing=lambda batch: inner.refusing(sight.batch(batch)),
        explaining=lambda customer, product: inner.explaining(sight.view(customer), product),
    )


def _event(inner: LifeEvent, sight: Sight) -> LifeEvent:
    return replace(inner, on=lambda customer: inner.on(sight.view(customer)))


def _field(inner: Field, sight: Sight) -> Field:
    return replace(inner, resolve=_resolving(inner.resolve, sight)) if inner.on == "Customer" else inner


def _resolving(resolve: Callable[..., Any], sight: Sight) -> Callable[..., Any]:
    @wraps(resolve)
    def narrow(customer: CustomerView, *arguments: Any, **named: Any) -> Any:
        return resolve(sight.view(customer), *arguments, **named)

    return narrow


WRAPS: Final[Mapping[str, Callable[[Any, Sight], object]]] = {
    "recommenders": _recommender,
    "gates": _gate,
    "events": _event,
    "fields": _field,
}
"""What wraps an item, by the hook that it was registered by."""
