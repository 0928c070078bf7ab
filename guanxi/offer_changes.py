"""What a plugin changes in a bank's best offers: before, after, and the difference."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from guanxi.bank import Bank
from recommenders.contract import Recommender
from recommenders.engine import Engine

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


def offered(bank: Bank, engine: Engine, numbers: Sequence[str]) -> Offered:
    """Return the best offers of a bank's customers, as an engine has them."""
    return {
        answer.customer_no: tuple(offer.product.product_code for offer in answer.offers)
        for answer in bank.answers(numbers, top=TOP, engine=engine)
    }


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
