"""What a plugin changes in a bank's best offers: before, after, the difference, and what becomes of its proposals."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from graph import customers
from guanxi.bank import Bank
from recommenders.contract import Context, Mask, Recommender
from recommenders.engine import Engine, Ranking

TOP: Final = 3

Offered: TypeAlias = Mapping[str, tuple[str, ...]]
"""Product codes of the best offers, by customer number."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Whose best offers are others.

    Attributes:
        customers: how many were looked at.
        changed: numbers of those whose offers, or their order, are others.
        gained: numbers of those of them who have an offer that they did not have.
        products: how many more customers are offered each product, or fewer; largest first, without those that stay.
    """

    customers: int
    changed: tuple[str, ...]
    gained: frozenset[str]
    products: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of the products that a recommender proposes to customers.

    Attributes:
        proposals: how many they are.
        refused: how many of them a gate refuses.
        refused_by: how many each gate refuses, by its code; most first, without those that refuse none.
        best: how many are among a customer's best offers.
        decided: how many of those that are offered have its propensity, above the ranker's and all others'.
    """

    proposals: int
    refused: int
    refused_by: Mapping[str, int]
    best: int
    decided: int

    @property
    def behind(self) -> int:
        """How many are offered, but not among the best."""
        return self.proposals - self.refused - self.best


def offered(bank: Bank, engine: Engine, numbers: Sequence[str]) -> Offered:
    """Return the best offers of a bank's customers, as an engine has them."""
    return {
        answer.customer_no: tuple(offer.product.product_code for offer in answer.offers)
        for answer in bank.answers(numbers, top=TOP, engine=engine)
    }


def ranking(bank: Bank, engine: Engine, numbers: Sequence[str]) -> Ranking:
    """Return a bank's customers as an engine ranks them, beside what is live."""
    return engine.rank(bank.run(customers.load, bank.store, list(numbers)), Context(bank.today, None, TOP))


def outcome(engine: Engine, ranked: Ranking, name: str) -> Outcome:
    """Return what becomes of a recommender's proposals; it had a say in the ranking."""
    own = ~np.isnan(ranked.proposed[name].scores)
    offers = own & (ranked.priorities > -np.inf)
    best = np.zeros_like(own)
    np.put_along_axis(best, ranked.top(TOP), values=True, axis=1)
    masks = dict[str, Mask]()  # gates may share a code
    for gate, mask in zip(engine.gates, ranked.refused, strict=True):
        masks[gate.code] = masks.get(gate.code, False) | (own & mask)
    refused_by = {code: int(mask.sum()) for code, mask in masks.items()}
    others = [np.nan_to_num(found) for other, found in ranked.strengths.items() if other != name]
    is_highest = np.all([ranked.strengths[name] > other for other in others], axis=0)
    return Outcome(
        proposals=int(own.sum()),
        refused=int((own & ~ranked.passed).sum()),
        refused_by={gate: refused for gate, refused in Counter(refused_by).most_common() if refused},
        best=int((offers & best).sum()),
        decided=int((offers & ~ranked.ranked & is_highest).sum()),
    )


def with_learnt(bank: Bank, engine: Engine, learnt: Sequence[Recommender]) -> Engine:
    """Return an engine with recommenders that learn as they would be after the next training; it is changed."""
    present = {recommender.name for recommender in engine.recommenders}
    engine.recommenders += tuple(bank.host.recommending.guard(own) for own in learnt if own.name not in present)
    return engine


def changes(before: Offered, after: Offered) -> Changes:
    """Return what is other in offers to the same customers."""
    changed = tuple(number for number in before if before[number] != after[number])
    codes = Counter[str]()
    for number in changed:
        codes.update(after[number])
        codes.subtract(before[number])
    largest = sorted(codes.items(), key=lambda found: (-abs(found[1]), found[0]))
    gained = frozenset(number for number in changed if set(after[number]) - set(before[number]))
    return Changes(len(before), changed, gained, {code: more for code, more in largest if more})
