"""From one recommender's score to a propensity: the probability of taking the product within the next period.

Learnt, for each recommender, as a table of score bins: the share of customers of that bin who opened the product in the
period after (histogram binning, Zadrozny and Elkan 2001), smoothed towards the recommender's overall share by
``PRIOR_WEIGHT`` pairs, and made to rise with the score. A recommender that was not learnt, such as a new plugin's, is
mapped by a stated prior: its score times ``PRIOR_PROPENSITY``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recommenders.contract import Mask, Scores

PRIOR_PROPENSITY: Final = 0.1
PRIOR_WEIGHT: Final = 50.0
BINS: Final = 20


@dataclass(frozen=True, slots=True)
class Curve:
    """Score ``edges`` (b − 1, rising) between ``b`` bins, and each bin's ``rates``."""

    edges: NDArray[np.float32]
    rates: NDArray[np.float32]


def served_name(recommender: str) -> str:
    """Return the name of a recommender's curve for what it scores by confined data."""
    return f"{recommender}|served"


@dataclass(frozen=True, slots=True)
class Calibration:
    """A curve for each recommender that was learnt, and by ``served_name`` for what it scores by confined data."""

    curves: Mapping[str, Curve] = field(default_factory=dict)

    def is_learnt(self, recommender: str, *, served: bool = False) -> bool:
        """Whether a recommender's propensities are learnt from what customers did."""
        return self._curve(recommender, served=served) is not None

    def propensities(self, recommender: str, scores: Scores, *, served: bool = False) -> Scores:
        """Map scores, of any shape, to probabilities; nan stays nan. ``served``: they come of confined data."""
        curve = self._curve(recommender, served=served)
        if curve is None:
            return np.clip(scores, 0, 1) * np.float32(PRIOR_PROPENSITY)
        found = curve.rates[np.searchsorted(curve.edges, scores, side="right").clip(0, len(curve.rates) - 1)]
        return np.where(np.isnan(scores), np.float32(np.nan), found)

    def _curve(self, recommender: str, *, served: bool) -> Curve | None:
        own = self.curves.get(served_name(recommender)) if served else None
        return own or self.curves.get(recommender)


def learn_curve(scores: Scores, opened: Mask, weights: NDArray[np.float32]) -> Curve | None:
    """Learn a curve from pairs that were open to be taken, a row for ``weights`` customers; None without any."""
    known = ~np.isnan(scores)
    weight = np.broadcast_to(weights[:, None], scores.shape)[known]
    scores, opened = scores[known], opened[known]
    if not len(scores):
        return None
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, BINS + 1)[1:-1], method="higher").astype(np.float32))
    edges = edges[edges > scores.min()]  # every bin has a score: an empty one would lift those after it to the overall
    bins = np.searchsorted(edges, scores, side="right")
    pairs = np.bincount(bins, weights=weight, minlength=len(edges) + 1)
    taken = np.bincount(bins, weights=weight * opened, minlength=len(edges) + 1)
    overall = taken.sum() / pairs.sum()
    rates = (taken + PRIOR_WEIGHT * overall) / (pairs + PRIOR_WEIGHT)
    return Curve(edges, np.maximum.accumulate(rates).astype(np.float32))
