"""Which products belong together, from who holds both: the excess of a shrunk cosine.

Of ``n`` customers ``n_i`` hold product i, ``n_ij`` hold i and j, and ``e_ij = n_i n_j / n`` would by chance:

    score = max(0, n_ij − e_ij) / √(n_i n_j) × n_ij / (n_ij + 20)        lift = n_ij / e_ij

The cosine (Sarwar et al. 2001) less what chance alone gives, so that what everybody has is not like everything; shrunk
where few hold both (Bell & Koren 2007). A pair that fewer than 20 customers hold is not described.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import csr_matrix

from recommenders.contract import Arrays

SHRINKAGE: Final = 20.0
LEAST_GROUP: Final = 20


@dataclass(frozen=True, slots=True)
class SimilarProduct:
    """A product that goes with another.

    Attributes:
        score: 0 to 1.
        lift: how many times as often both are held as chance would have it.
    """

    product_code: str
    score: float
    lift: float


def fit_similar(held: csr_matrix) -> Arrays:
    """Learn from ``(n, m)`` holdings: ``(m, m)`` scores and lifts, nan where not described, and ``(m,)`` holders."""
    both = (held.T @ held).toarray().astype(np.float64)
    holders = both.diagonal()
    chance = np.outer(holders, holders) / max(1, held.shape[0])
    described = both >= LEAST_GROUP
    np.fill_diagonal(described, False)
    safe = np.where(described, np.outer(holders, holders), 1.0)
    scores = np.maximum(0, both - chance) / np.sqrt(safe) * both / (both + SHRINKAGE)
    lifts = both / np.where(described, chance, 1.0)
    return {
        "scores": np.where(described, scores, np.nan).astype(np.float32),
        "holders": holders.astype(np.int32),
        "lifts": np.where(described, lifts, np.nan).astype(np.float32),
    }


def similar_products(arrays: Arrays, product_codes: Sequence[str], product_code: str) -> list[SimilarProduct]:
    """Return what is held together with a product more often than by chance, the most similar first."""
    if product_code not in product_codes or not arrays:
        return []
    row = product_codes.index(product_code)
    scores, lifts = np.asarray(arrays["scores"])[row], np.asarray(arrays["lifts"])[row]
    order = np.argsort(-np.nan_to_num(scores), kind="stable")
    return [
        SimilarProduct(product_codes[column], float(scores[column]), float(lifts[column]))
        for column in order
        if scores[column] > 0
    ]
