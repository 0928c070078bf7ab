"""Collaborative filtering by alternating least squares on implicit feedback (Hu, Koren and Volinsky 2008).

Training is ``implicit``'s. The artefact keeps the products' factors only; a customer's factors are solved at request
time from what he holds (fold-in), so that a new customer or holding counts at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from graph.words import Language
from recommenders.batch import Batch
from recommenders.contract import Arrays, Candidates, Mask, Reason, Scores
from recommenders.portfolio import Portfolio

FACTORS: Final = 16
PRODUCTS_A_FACTOR: Final = 8
"""With nearly as many factors as products, a customer's factors give back what he holds, and deny him all else."""
REGULARIZATION: Final = 0.05
ALPHA: Final = 10.0
ITERATIONS: Final = 15
SEED: Final = 7
FOLD_IN_ROWS: Final = 8_192


@dataclass(frozen=True)
class Als:
    """Who holds what you hold also holds this. ``factors`` is ``(m, f)``; None until trained."""

    name: str = "als"
    version: str = "2"
    factors: NDArray[np.float32] | None = None
    product_codes: tuple[str, ...] = ()

    def fit(self, portfolio: Portfolio) -> Arrays:
        """Learn the products' factors."""
        width = width_for(len(portfolio.catalogue))
        if not portfolio.holdings:
            return {"factors": np.zeros((len(portfolio.catalogue), width), np.float32)}
        from implicit.cpu.als import AlternatingLeastSquares  # its libraries take long to import

        # implicit runs threads of its own, whose number does not change its factors; BLAS threads only get in their way
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(
                factors=width,
                regularization=REGULARIZATION,
                alpha=ALPHA,
                iterations=ITERATIONS,
                random_state=SEED,
                num_threads=0,
            )
            model.fit(portfolio.held, show_progress=False)
        return {"factors": np.asarray(model.item_factors, np.float32)}

    def with_arrays(self, arrays: Arrays, product_codes: Sequence[str]) -> "Als":
        """Return the trained recommender."""
        return replace(self, factors=np.asarray(arrays["factors"], np.float32), product_codes=tuple(product_codes))

    def propose(self, batch: Batch) -> Candidates:
        """Score every product that training knew, for customers who hold anything."""
        factors = self._factors_by_column(batch.catalogue.codes)
        first, place = distinct(batch.held)
        # in double precision, so that single precision is the same whatever else is in the batch
        held, factors = batch.held[first].astype(np.float64), factors.astype(np.float64)
        scores = np.concatenate([
            fold_in(held[start : start + FOLD_IN_ROWS], factors) @ factors.T
            for start in range(0, max(1, len(held)), FOLD_IN_ROWS)
        ]).astype(np.float32)  # fmt: skip
        scores[~held.any(axis=1)] = np.nan
        scores[:, ~factors.any(axis=1)] = np.nan
        return Candidates(scores[place], lambda row, column: self._reason(batch, factors, row, column))

    def _factors_by_column(self, codes: Sequence[str]) -> Scores:
        if self.factors is None:
            raise ValueError("als is not trained")
        if self.product_codes == tuple(codes):
            return self.factors
        known = dict(zip(self.product_codes, self.factors, strict=True))
        return np.array([known.get(code, np.zeros(self.factors.shape[1], np.float32)) for code in codes])

    def _reason(self, batch: Batch, factors: Scores, row: int, column: int) -> Reason | None:
        """The held product whose factors point most the same way."""
        held = np.flatnonzero(batch.held[row])
        likeness = factors[held] @ factors[column]
        if not len(held) or likeness.max() <= 0:
            return None
        nearest = batch.catalogue.products[held[likeness.argmax()]]
        product = batch.catalogue.products[column]
        return Reason(
            self.name,
            (batch.customers[row].customer_no, "HOLDS", nearest.product_code, "HELD_WITH", product.product_code),
            {
                Language.EN: f"It goes well with your {nearest.name}.",
                Language.ZH: f"与您持有的{nearest.name_zh or nearest.name}相配。",
            },
        )


def width_for(products: int) -> int:
    """Return how many factors are learnt for a catalogue."""
    return min(FACTORS, max(2, products // PRODUCTS_A_FACTOR), max(1, products - 1))


def distinct(held: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return one row of each set of holdings, and ``(n,)`` the place among these of every customer's own set.

    Many customers hold the same: of 100,000 customers of the sample bank, some 13,000 sets. Each is solved once.
    """
    octets = np.packbits(held, axis=1)
    words = np.zeros((len(held), octets.shape[1] // 8 + 1), np.uint64)
    words.view(np.uint8)[:, : octets.shape[1]] = octets
    order = np.lexsort(words.T)
    is_first = np.ones(len(held), np.bool_)
    is_first[1:] = (words[order[1:]] != words[order[:-1]]).any(axis=1)
    place = np.empty(len(held), np.intp)
    place[order] = np.cumsum(is_first) - 1
    return order[is_first], place


def fold_in(held: NDArray[Any], factors: NDArray[Any]) -> NDArray[Any]:
    """Solve customers' factors ``(n, f)`` from what they hold ``(n, m)``, as implicit's ``recalculate_user`` does.

    Each solves (YᵀY + Yᵀ(C − I)Y + λI) x = YᵀCp with confidence ``ALPHA`` for what is held, 1 otherwise.
    """
    width = factors.shape[1]
    outer = (factors[:, :, None] * factors[:, None, :]).reshape(len(factors), width * width)
    gram = factors.T @ factors + REGULARIZATION * np.eye(width, dtype=factors.dtype)
    systems = gram + ((ALPHA - 1) * held @ outer).reshape(-1, width, width)
    return np.linalg.solve(systems, (ALPHA * held @ factors)[:, :, None])[:, :, 0]
