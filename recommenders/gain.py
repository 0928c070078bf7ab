"""What one more source of proposals brings: the same customers, scored without it and with it. Pure."""

from collections.abc import Sequence
from typing import Final

from recommenders.evaluation import Report, Scored, interval, resampled
from recommenders.metrics import ranking_metrics

WHOLES: Final = ("ranker", "engine")
"""What is compared: the order of propensities, and the order of what is offered."""


def gain(without: Scored, within: Scored, cutoffs: Sequence[int]) -> Report:
    """Return each metric of those who opened something, without and with, and the difference with its interval."""
    openers = without.openers
    counts = resampled(int(openers.sum()))
    found: Report = {}
    for name in WHOLES:
        one, other = (
            ranking_metrics(scored.systems[name].order[openers], scored.opened[openers], cutoffs)
            for scored in (without, within)
        )
        found[name] = {
            metric: {
                "without": float(one[metric].mean()),
                "with": float(other[metric].mean()),
                "difference": interval(other[metric] - one[metric], counts),
            }
            for metric in one
        }
    return found
