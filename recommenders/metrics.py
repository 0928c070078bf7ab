"""How good a ranking and its probabilities are.

Ranking metrics are means over customers, as in the offline evaluation of implicit recommenders; ``ranked`` turns scores
into hits once, and each metric reads those.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recommenders.contract import Mask

BINS: Final = 10


def mean_average_precision(scores: NDArray[np.float32], opened: Mask, held: Mask, k: int) -> float:
    """MAP@k over the customers with any opening; what is held is not ranked."""
    order = np.argsort(np.where(held, np.inf, -scores), axis=1, kind="stable")[:, :k]
    hits = np.take_along_axis(opened, order, axis=1)
    precision = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    wanted = np.minimum(opened.sum(axis=1), k)
    found = (precision * hits).sum(axis=1)[wanted > 0] / wanted[wanted > 0]
    return float(found.mean()) if len(found) else float("nan")


@dataclass(frozen=True, slots=True)
class Reliability:
    """Predicted and observed chance in bins of equal weight, and each bin's share of all."""

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    share: NDArray[np.float64]

    @property
    def error(self) -> float:
        """Expected calibration error: the mean distance of the two, weighed by the share (Naeini et al. 2015)."""
        return float((np.abs(self.predicted - self.observed) * self.share).sum())


def reliability(
    propensities: NDArray[np.float32], opened: Mask, those: Mask, weights: NDArray[np.float32]
) -> Reliability:
    """Bin the pairs of ``those``; ``weights`` is how many customers each row stands for."""
    predicted = propensities[those].astype(np.float64)
    seen, weight = opened[those], np.broadcast_to(weights[:, None], opened.shape)[those].astype(np.float64)
    order = np.argsort(predicted, kind="stable")
    place = np.cumsum(weight[order]) / weight.sum()
    bins = np.minimum((place * BINS).astype(np.intp), BINS - 1)
    total = np.bincount(bins, weight[order], BINS)
    full = total > 0
    means = [np.bincount(bins, weight[order] * values[order], BINS)[full] / total[full] for values in (predicted, seen)]
    return Reliability(means[0], means[1], total[full] / total.sum())
