"""Asks recommenders of a batch."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from recommenders.batch import Batch
from recommenders.contract import Candidates, Omitted, Recommender

Ask: TypeAlias = Callable[[Sequence[Recommender], Batch], Sequence[Candidates | None]]
"""Returns each recommender's candidates; None of one that has no say."""


def one_by_one(recommenders: Sequence[Recommender], batch: Batch) -> list[Candidates | None]:
    """Ask each after the other."""
    return [proposed(recommender, batch) for recommender in recommenders]


def proposed(recommender: Recommender, batch: Batch) -> Candidates | None:
    """Return a recommender's candidates; None where it has no say."""
    try:
        return recommender.propose(batch)
    except Omitted:
        return None
