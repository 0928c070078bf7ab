"""Collaborative recommenders that were measured beside ALS and are not shipped: they add nothing to the stack.

Each is a matrix ``(m, m)`` of what a held product says of another; a customer's score is the sum over what he holds.
"""

from dataclasses import dataclass, replace

import numpy as np

from recommenders.contract import Candidates

RIDGE = 100.0
SHRINKAGE = 20.0


def linear(together):
    """Weights of a linear autoencoder with no weight of a product for itself, in closed form (EASE, Steck 2019)."""
    inverse = np.linalg.inv(together + RIDGE * np.eye(len(together)))
    return -inverse / np.diag(inverse)


def cosine(together):
    """How often two are held together, for how often each is held (Sarwar et al. 2001), shrunk."""
    holders = np.diag(together)
    return together / (np.sqrt(np.outer(holders, holders)) + SHRINKAGE)


@dataclass(frozen=True)
class ItemToItem:
    """Scores by ``likeness``, a function from ``(m, m)`` customers who hold both."""

    name: str
    likeness: object
    version: str = "1"
    weights: object = None

    def fit(self, portfolio):
        weights = self.likeness((portfolio.held.T @ portfolio.held).toarray().astype(np.float64))
        return {"weights": np.where(np.eye(len(weights)), 0, weights).astype(np.float32)}

    def with_arrays(self, arrays, _):
        return replace(self, weights=arrays["weights"])

    def propose(self, batch):
        scores = batch.held.astype(np.float32) @ self.weights
        scores[~batch.held.any(axis=1)] = np.nan
        return Candidates(scores, lambda *_: None)


LINEAR = ItemToItem("linear", linear)
COSINE = ItemToItem("cosine", cosine)
