"""A plugin's score card: its stage, what its share took beside its own holdout, and what it did in shadow.

Aggregates alone, and none of fewer than 20.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import NormalDist
from typing import Final, Self

from graph import plugin_days, plugin_outcomes
from graph.plugin_days import Count, Foreseen
from graph.plugin_outcomes import Side
from graph.plugin_stages import StageDecision
from graph.store import Store
from graph.words import PluginStage
from plugins.host import PluginHost
from plugins.life.stages import Life
from plugins.life.staging import Standing
from recommenders.evaluation import LEAST_GROUP

CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Lift:
    """The rate in a share less that in its holdout, with its interval at 95 %.

    Attributes:
        ratio: the one rate by the other; None where nothing was taken in the holdout.
    """

    difference: float
    low: float
    high: float
    ratio: float | None

    @classmethod
    def of(cls, share: Side, holdout: Side) -> Self:
        """Compare two sides; offers to one customer are not apart, so that customers are what is counted on."""
        low, high = newcombe(share.rate, share.customers, holdout.rate, holdout.customers)
        ratio = share.rate / holdout.rate if holdout.taken else None
        return cls(share.rate - holdout.rate, low, high, ratio)


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """How a plugin fares in one process: calls of its recommenders, their mean time, and failures of all its parts."""

    calls: int
    failures: int
    mean_ms: float


@dataclass(frozen=True, slots=True)
class ScoreCard:
    """How a plugin does.

    Attributes:
        is_gone: it is not loaded any more: the card is of what was.
        decision: by which it was put on its stage; None where nobody has decided.
        counted_since: when it was last put on a share, from when on offers count on either side; None where it
            never was.
        share: the customers whom it decided of; None of fewer than 20.
        holdout: those whom it did not, while others were in its share; None of fewer than 20.
        lift: None where either side is.
        counts: what it proposed in shadow and in its shares, by requests; None of fewer than 20.
        foreseen: what became of those to whom it would have offered something in shadow; None of fewer than 20.
    """

    plugin: str
    is_gone: bool
    life: Life
    decision: StageDecision | None
    counted_since: datetime | None
    share: Side | None
    holdout: Side | None
    lift: Lift | None
    counts: Count | None
    foreseen: Foreseen | None


async def score_card(store: Store, there: Standing) -> ScoreCard:
    """Return the card of a plugin that stands so."""
    plugin, since = there.plugin, _last_share(there.decisions)
    share, holdout = (
        side if side.customers >= LEAST_GROUP else None for side in await plugin_outcomes.sides(store, plugin, since)
    )
    counts = (await plugin_days.counted(store, plugin)).get(None, Count())
    foreseen = await plugin_days.foreseen(store, plugin)
    return ScoreCard(
        plugin,
        there.is_gone,
        there.now,
        there.decisions[-1] if there.decisions else None,
        since,
        share,
        holdout,
        Lift.of(share, holdout) if share and holdout else None,
        counts if counts.asked >= LEAST_GROUP else None,
        foreseen if foreseen.customers >= LEAST_GROUP else None,
    )


def process_figures(host: PluginHost, plugin: str) -> ProcessFigures | None:
    """Return how a plugin fares in the process of its host; None where it is not there."""
    own = next((info for info in host.plugins if info.name == plugin), None)
    if own is None:
        return None
    infos = [info for info in host.recommending.infos() if info.plugin == plugin]
    calls = sum(info.calls for info in infos)
    spent = sum(info.mean_ms * info.calls for info in infos)
    return ProcessFigures(calls, own.failures + sum(info.failures for info in infos), spent / calls if calls else 0.0)


def newcombe(rate: float, n: float, other: float, m: float) -> tuple[float, float]:
    """Return the interval at 95 % of a difference of two rates, of ``n`` and of ``m``.

    Source: Newcombe, R. G. (1998), Interval estimation for the difference between independent proportions, Statistics
    in Medicine 17, 873-890: method 10, which is made of Wilson's intervals without a correction for continuity.
    """
    low, high = wilson(rate, n)
    other_low, other_high = wilson(other, m)
    difference = rate - other
    return (
        difference - math.hypot(rate - low, other_high - other),
        difference + math.hypot(high - rate, other - other_low),
    )


def wilson(rate: float, n: float) -> tuple[float, float]:
    """Return the interval at 95 % of a rate of ``n``.

    Source: Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference, Journal of the
    American Statistical Association 22, 209-212.
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    middle = rate + z * z / (2 * n)
    spread = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + z * z / n)), min(1.0, (middle + spread) / (1 + z * z / n))


def _last_share(decisions: Sequence[StageDecision]) -> datetime | None:
    """When a plugin was last put on a share, in whole seconds, as offers are dated."""
    at = next((own.decided_at for own in reversed(decisions) if own.stage is PluginStage.SHARE), None)
    return at and at.replace(microsecond=0)
