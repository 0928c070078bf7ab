"""What a recommender in shadow would have done to offers that were decided without it."""

from dataclasses import dataclass

import numpy as np

from recommenders.contract import Mask, Recommender
from recommenders.engine import Engine, Ranking


@dataclass(frozen=True, slots=True)
class Wish:
    """What a recommender proposes beside a ranking, and which of it would be among the best offers: ``(n, m)`` each."""

    proposed: Mask
    best: Mask


def wish(engine: Engine, ranking: Ranking, recommender: Recommender, passed: Mask) -> Wish:
    """Ask a recommender of the customers of a ranking, and arbitrate once more, with its strengths beside the others'.

    The ranking stays as it is. No gate is asked again: ``passed``, ``(n, m)``, is what they let pass.

    Raises:
        Omitted: it failed.
    """
    name, passes = recommender.name, ranking.passes
    found = [np.array(recommender.propose(batch).scores) for batch in passes.batches]
    strength = passes.joined([
        engine.calibration.propensities(name, scores, served=place > 0) for place, scores in enumerate(found)
    ])  # fmt: skip
    is_new = engine.ranker is None or name not in engine.ranker.schema.recommenders
    is_heard = ~ranking.ranked | is_new | np.isnan(found[0])
    propensities = np.fmax(ranking.propensities, np.where(is_heard, strength, np.nan))
    offered = passed & ~np.isnan(propensities)
    priorities = np.where(offered, propensities * engine.factors(ranking.weights), -np.inf)
    proposed = ~np.isnan(strength)
    return Wish(proposed, proposed & best(priorities, ranking.batch.context.top))


def heard(ranking: Ranking, name: str) -> Wish:
    """Return what a recommender that had its say in a ranking proposes, and what of it is among the best offers."""
    proposed = ~np.isnan(ranking.strengths[name])
    return Wish(proposed, proposed & best(ranking.priorities, ranking.batch.context.top))


def best(priorities: np.ndarray, count: int) -> Mask:
    """``(n, m)``: offered, and among the best ``count``; ties by product code."""
    marks = np.zeros(priorities.shape, np.bool_)
    columns = np.argsort(-priorities, axis=1, kind="stable")[:, :count]
    np.put_along_axis(marks, columns, values=True, axis=1)
    marks &= priorities > -np.inf
    return marks
