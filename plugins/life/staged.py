"""The engine of a bank some of whose plugins are not live for everybody.

For each combination of shares there is an engine of its own, and a customer is decided by the one of the shares that he
is in. So a plugin's holdout, and who has to do with one in shadow, is decided as if the plugin were not there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graph.records import Customer
from plugins.life.shadows import Shadows
from plugins.life.stages import arm_of, is_in_share
from recommenders.contract import ARM, Answer, Context, Decision, Recommender
from recommenders.engine import Engine

Parts = Callable[[frozenset[str] | None, str], Sequence[Any]]
"""Gives what an engine is made of, by the plugins it has, all if None, and the arms of experiments that it serves."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which plugins decide of whom.

    Attributes:
        live: those that decide of everybody.
        shares: percent of the customers, by the plugin that decides of them.
        shadows: recommenders of each plugin that is only watched.
        names: the names of the recommenders of each plugin that has a share.
    """

    live: frozenset[str]
    shares: Mapping[str, int]
    shadows: Mapping[str, Sequence[Recommender]]
    names: Mapping[str, Sequence[str]]


class StagedEngine(Engine):
    """Decides for each customer with the plugins that are live, and with those whose share he is in.

    What is asked of the bank as a whole, as who is likely to take a product, goes by the plugins that are live.
    """

    def __init__(self, parts: Parts, plan: Plan, shadows: Shadows | None) -> None:
        super().__init__(*parts(plan.live, arm_of(plan.shares, frozenset(), ARM)))
        self._parts = parts
        self._plan = plan
        self._shadows = shadows
        self._engines: dict[frozenset[str], Engine] = {frozenset(): self}

    def answer(self, customers: Sequence[Customer], context: Context) -> list[Answer]:
        """Return each customer's offers and bundles; what plugins in shadow would have done is counted afterwards."""
        rows: dict[frozenset[str], list[int]] = {}
        for row, customer in enumerate(customers):
            rows.setdefault(self.inside(customer.customer_no), []).append(row)
        found: dict[int, Answer] = {}
        for inside, own in rows.items():
            engine = self._engine(inside)
            ranking = engine.rank([customers[row] for row in own], context)
            found.update(zip(own, engine.answers(ranking), strict=True))
            if self._shadows is not None:
                shares = {name: self._plan.names[name] for name in sorted(inside)}
                self._shadows.watch(engine, ranking, dict(self._plan.shadows), shares)
        return [found[row] for row in range(len(customers))]

    def decide(self, customer: Customer, product_code: str, context: Context) -> Decision:
        """Say why one product is, or is not, offered; raises as any engine does."""
        engine = self._engine(self.inside(customer.customer_no))
        decide = super().decide if engine is self else engine.decide
        return decide(customer, product_code, context)

    def inside(self, customer_no: str) -> frozenset[str]:
        """Return the plugins in whose share a customer is."""
        shares = self._plan.shares.items()
        return frozenset(plugin for plugin, share in shares if is_in_share(plugin, customer_no, share))

    def _engine(self, inside: frozenset[str]) -> Engine:
        if inside not in self._engines:
            arm = arm_of(self._plan.shares, inside, ARM)
            self._engines[inside] = Engine(*self._parts(self._plan.live | inside, arm))
        return self._engines[inside]
