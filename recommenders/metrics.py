"""How good a ranking and its probabilities are.

Ranking metrics are per customer, or means over those with any opening; what is held is not ranked.
"""

from collections.abc import Sequence
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


def best_first(scores: NDArray[np.floating]) -> NDArray[np.int16]:
    """``(n, m)`` columns, best first, ties by column; -1 for what has no score (nan or minus infinity)."""
    known = np.where(np.isnan(scores), -np.inf, scores)
    order = np.argsort(-known, axis=1, kind="stable")
    return np.where(np.take_along_axis(known, order, axis=1) > -np.inf, order, -1).astype(np.int16)


def ranking_metrics(order: NDArray[np.int16], opened: Mask, cutoffs: Sequence[int]) -> dict[str, NDArray[np.float64]]:
    """MAP, NDCG, HR and recall at each cutoff, and MRR: ``(n,)`` each, of customers who each opened something."""
    hits = (order >= 0) & np.take_along_axis(opened, np.maximum(order, 0).astype(np.intp), axis=1)
    ranks = np.arange(1, hits.shape[1] + 1)
    gains, wanted = 1 / np.log2(ranks + 1), opened.sum(axis=1)
    found: dict[str, NDArray[np.float64]] = {}
    for k in cutoffs:
        first, most = hits[:, :k], np.minimum(wanted, k)
        found[f"map@{k}"] = np.asarray((first.cumsum(axis=1) / ranks[:k] * first).sum(axis=1) / most)
        found[f"ndcg@{k}"] = np.asarray((first * gains[:k]).sum(axis=1) / gains.cumsum()[most - 1])
        found[f"hr@{k}"] = np.asarray(first.any(axis=1), np.float64)
        found[f"recall@{k}"] = first.sum(axis=1) / wanted
    return found | {"mrr": np.asarray((hits / ranks).max(axis=1))}


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
    propensities: NDArray[np.float32],
    opened: Mask,
    those: Mask,
    weights: NDArray[np.float32],
    *,
    by_foreseen: bool = False,
) -> Reliability:
    """Bin the pairs of ``those``; ``weights`` is how many customers each row stands for.

    What has the same chance is in the same bin. ``by_foreseen`` makes bins of equal foreseen openings: where openings
    are rare, bins of equal weight hold but the last of them next to nothing.
    """
    predicted = propensities[those].astype(np.float64)
    seen, weight = opened[those], np.broadcast_to(weights[:, None], opened.shape)[those].astype(np.float64)
    order = np.argsort(predicted, kind="stable")
    first_alike = np.searchsorted(predicted[order], predicted[order])
    measure = weight * np.maximum(predicted, 1e-12) if by_foreseen else weight
    place = ((np.cumsum(measure[order]) - measure[order]) / measure.sum())[first_alike]
    bins = np.minimum((place * BINS).astype(np.intp), BINS - 1)
    total = np.bincount(bins, weight[order], BINS)
    full = total > 0
    means = [np.bincount(bins, weight[order] * values[order], BINS)[full] / total[full] for values in (predicted, seen)]
    return Reliability(means[0], means[1], total[full] / total.sum())
