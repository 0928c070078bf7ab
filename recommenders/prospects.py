"""Who is most likely to take a product, how many will, and what that is worth, from one walk over the bank by pages.

Only customers whom no gate refuses count. Of ``n`` of them ``μ = Σ p`` are expected to take it, with a variance of
``Σ p (1 − p) + (swing μ)²``: each decides for himself, and whole periods differ, by as much as a product's openings
differed from one period to the next in the past, chance apart. The interval is the middle 90 % of a normal law;
it takes for granted that the next period is like the past ones, and that an offer changes nobody's mind.

Memory: the best of a list as a heap, and a histogram of propensities (their log odds, in bins that are 1 % of a
propensity wide), whatever the number of customers; sums up to any rank are exact within the list and at ends of bins.
"""

import heapq
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graph.errors import ModelError
from graph.records import Customer
from recommenders.contract import Context, Scores
from recommenders.engine import Engine

BINS: Final = 3_200
MOST_LOG_ODDS: Final = 16.0
NINETY: Final = 1.645
"""Standard deviations to either side that hold 90 % of a normal law."""
UNKNOWN_SWING: Final = 0.25
"""The swing where fewer than two periods of the past are known."""
PROPOSED_BY_NOBODY: Final = "NOT_PROPOSED"


@dataclass(frozen=True, slots=True)
class Page:
    """Some customers beside all products.

    Attributes:
        propensities: ``(n, m)``.
        refusals: ``(n, m)`` position in ``codes``; -1 where nothing stands against it.
        codes: the gates in their order, then ``PROPOSED_BY_NOBODY``.
    """

    customers: tuple[Customer, ...]
    propensities: Scores
    refusals: NDArray[np.int16]
    codes: tuple[str, ...]


def look(engine: Engine, customers: Sequence[Customer], context: Context) -> Page:
    """Say of customers how likely they are to take each product, and which gate is the first to refuse it."""
    ranking = engine.rank(customers, context)
    codes = (*(gate.code for gate in engine.gates), PROPOSED_BY_NOBODY)
    refusals = np.full(ranking.passed.shape, -1, np.int16)
    refusals[np.isnan(ranking.propensities)] = len(codes) - 1
    for position in reversed(range(len(engine.gates))):
        refusals[ranking.refused[position]] = position
    return Page(tuple(customers), ranking.propensities, refusals, codes)


def foreseen(engine: Engine, product_code: str) -> int:
    """Return a product's column.

    Raises:
        NotFound: there is no such product.
        ModelError: nothing was learnt of it.
    """
    column = engine.catalogue.index[engine.catalogue[product_code].product_code]
    if engine.ranker is None:
        raise ModelError("No model foresees who takes what; run guanxi train on a bank with openings.")
    if product_code not in engine.ranker.schema.product_codes:
        raise ModelError(f"The model was trained before {product_code} was in the catalogue; run guanxi train.")
    return column


def learn_swing(openings: NDArray[np.int64]) -> float:
    """Return the standard deviation of the log of openings from one period to the next, less what is chance.

    ``openings`` is ``(periods, m)``; a Poisson count's log has a variance of about one over it.
    """
    if len(openings) < 2 or not openings.any():
        return UNKNOWN_SWING
    counts = openings[:, openings.sum(axis=0) >= len(openings)] + 0.5
    if not counts.shape[1]:
        return UNKNOWN_SWING
    changes = np.diff(np.log(counts), axis=0)
    chance = 1 / counts[1:] + 1 / counts[:-1]
    weights = 1 / chance
    return float(np.sqrt(max(0.0, (weights * (changes**2 - chance)).sum() / weights.sum())))


def swing_of(engine: Engine) -> float:
    """Return the swing that training learnt."""
    return float(engine.ranker.card.get("swing", UNKNOWN_SWING)) if engine.ranker else UNKNOWN_SWING


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is expected of offering a product to the ``customers`` most likely to take it."""

    customers: int
    takers: float
    variance: float

    @property
    def interval(self) -> tuple[float, float]:
        """The middle 90 % of takers."""
        margin = NINETY * math.sqrt(max(0.0, self.variance))
        return max(0.0, self.takers - margin), min(float(self.customers), self.takers + margin)


@dataclass(frozen=True, slots=True)
class Prospect:
    """A customer, and his chance of taking the product."""

    customer_no: str
    propensity: float


@dataclass
class Tally:
    """One product's prospects, of the whole bank or of a part of it; ``most`` are kept by name."""

    most: int
    swing: float = 0.0
    customers: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    _best: list[tuple[float, int, str]] = field(default_factory=list)
    _bins: NDArray[np.float64] | None = None

    @classmethod
    def of_bank(cls, most: int, swing: float = 0.0) -> "Tally":
        """Return one that can tell of any number of customers, not of those kept alone."""
        return cls(most, swing, _bins=np.zeros((3, BINS)))

    def add(self, page: Page, column: int, rows: NDArray[np.intp]) -> None:
        """Take in some customers of a page."""
        refusals = page.refusals[rows, column]
        self.refused.update(page.codes[position] for position in refusals[refusals >= 0])
        open_to = rows[refusals < 0]
        chances = page.propensities[open_to, column].astype(np.float64)
        if self._bins is not None:
            odds = np.log(np.maximum(chances, 1e-12)) - np.log(np.maximum(1 - chances, 1e-12))
            places = np.clip((odds / MOST_LOG_ODDS + 1) / 2 * BINS, 0, BINS - 1).astype(np.intp)
            for sums, values in zip(self._bins, (np.ones(len(places)), chances, chances * (1 - chances)), strict=True):
                np.add.at(sums, places, values)
        for row, chance in zip(open_to.tolist(), chances.tolist(), strict=True):
            entry = (chance, -self.customers - row, page.customers[row].customer_no)
            if len(self._best) < self.most:
                heapq.heappush(self._best, entry)
            elif entry > self._best[0]:
                heapq.heapreplace(self._best, entry)
        self.customers += len(rows)

    @property
    def eligible(self) -> int:
        """How many customers no gate refuses."""
        return self.customers - self.refused.total()

    def best(self) -> list[Prospect]:
        """Return those kept by name, the most likely first; of equals the lower number."""
        return [Prospect(no, chance) for chance, _, no in sorted(self._best, reverse=True)]

    def campaigns(self) -> list[Campaign]:
        """Return what to expect of 10, 20, 50, 100, … customers, of the list, and of all."""
        sizes = sorted({*_steps(self.eligible), min(self.most, self.eligible), self.eligible} - {0})
        return [found for size in sizes if (found := self.campaign(size)) is not None]

    def campaign(self, size: int) -> Campaign | None:
        """Return what to expect of the ``size`` most likely; None where that is not known."""
        size = min(size, self.eligible)
        if size <= len(self._best):
            chances = np.array([prospect.propensity for prospect in self.best()[:size]], np.float64)
            return self._campaign(size, float(chances.sum()), float((chances * (1 - chances)).sum()))
        if self._bins is None:
            return None
        counts = np.minimum(
            self._bins[0, ::-1], np.maximum(0, size - np.cumsum(self._bins[0, ::-1]) + self._bins[0, ::-1])
        )
        share = counts / np.maximum(1, self._bins[0, ::-1])
        takers, variance = (float((self._bins[row, ::-1] * share).sum()) for row in (1, 2))
        return self._campaign(size, takers, variance)

    def _campaign(self, size: int, takers: float, variance: float) -> Campaign:
        return Campaign(size, takers, variance + (self.swing * takers) ** 2)

    def as_json(self) -> dict[str, Any]:
        """Return what a server needs of it."""
        return {
            "customers": self.customers,
            "refused": dict(self.refused),
            "best": [[prospect.customer_no, prospect.propensity] for prospect in self.best()],
            "campaigns": [[found.customers, found.takers, found.variance] for found in self.campaigns()],
        }


def _steps(most: int) -> Iterator[int]:
    size = 10
    while size < most:
        yield from (step for step in (size, 2 * size, 5 * size) if step < most)
        size *= 10
