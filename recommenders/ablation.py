"""What the ranking loses without each group of features, and without each member of the stack, on openings unseen.

Permutation importance (Breiman 2001) of whole groups: what a group's columns say, the customers' own and their pairs',
is exchanged between the customers. Nothing is fitted anew but the weights of a stack that lacks a member.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recommenders.choice import Shares
from recommenders.contract import Mask
from recommenders.examples import Examples
from recommenders.features import Features, FeatureSchema
from recommenders.metrics import mean_average_precision
from recommenders.ranker import Ranker, Stack, fit_stack, stacked

MOST_PAIRS: Final = 100_000
"""Pairs of customer and product that it is measured on: 5,000 customers of a bank with 20 products."""
BEST: Final = 7
SEED: Final = 13


@dataclass(frozen=True, slots=True)
class Ablation:
    """What MAP@7 falls by; below zero where it rises.

    Attributes:
        examples: of how many customers who opened something, at a moment.
        whole: MAP@7 of the whole stack on them.
        groups: fall where a group of features is exchanged between them, the largest first.
        members: fall where a member of the stack is left out, and the others are weighed anew, the largest first.
    """

    examples: int
    whole: float
    groups: Mapping[str, float]
    members: Mapping[str, float]


def ablate(ranker: Ranker, judged: Examples, members: Mapping[str, Shares]) -> Ablation:
    """Measure on examples that no part of ``ranker`` had seen; ``members`` are its log shares of them, ``(n, m)``."""
    rows = _drawn(judged.draw.opened)
    features, opened = judged.features.take(rows), judged.draw.opened[rows]
    held, known = features.held, {name: shares[rows] for name, shares in members.items()}

    def figure(stack: Stack, found: Mapping[str, Shares]) -> float:
        return mean_average_precision(stacked(stack, found, held), opened, held, BEST)

    whole, order = figure(ranker.stack, known), np.random.default_rng(SEED).permutation(len(rows))
    of_groups = {}
    for group, columns in ranker.schema.groups.items():
        other = _exchanged(ranker.schema, features, columns, order)
        of_groups[group] = whole if _same(other, features) else figure(ranker.stack, ranker.members(other))
    of_members = {}
    for member in known:
        others = {name: shares for name, shares in known.items() if name != member}
        of_members[member] = figure(fit_stack(others, held, opened), others)
    return Ablation(len(rows), round(whole, 4), _falls(whole, of_groups), _falls(whole, of_members))


def _drawn(opened: Mask) -> NDArray[np.intp]:
    """Return the rows that opened something, or as many of them as are measured on."""
    rows = np.flatnonzero(opened.any(axis=1))
    most = max(1, MOST_PAIRS // opened.shape[1])
    return rows if len(rows) <= most else np.sort(np.random.default_rng(SEED).choice(rows, most, replace=False))


@dataclass(frozen=True)
class _Exchanged(Features):
    """Features of which some are another customer's; what there is to be opened stays the customer's own."""

    own: Features

    @cached_property
    def held(self) -> Mask:
        return self.own.held


def _exchanged(
    schema: FeatureSchema, features: Features, columns: Sequence[str], order: NDArray[np.intp]
) -> _Exchanged:
    those = np.isin(schema.names, columns)
    customers = np.where(those, features.customers[order], features.customers)
    pairs = {name: values[order] if name in columns else values for name, values in features.pairs.items()}
    return _Exchanged(customers, pairs, features)


def _same(one: Features, other: Features) -> bool:
    """Whether nothing was exchanged: a group that says the same of everybody costs no scoring."""
    return np.array_equal(one.customers, other.customers, equal_nan=True) and all(
        values is other.pairs[name] or np.array_equal(values, other.pairs[name], equal_nan=True)
        for name, values in one.pairs.items()
    )


def _falls(whole: float, figures: Mapping[str, float]) -> dict[str, float]:
    falls = {name: round(whole - figure, 4) + 0.0 for name, figure in figures.items()}
    return dict(sorted(falls.items(), key=lambda item: -item[1]))
