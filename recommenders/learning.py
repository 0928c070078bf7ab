"""Fits the ranker to examples of the past, and measures it on those it was not fitted to."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from recommenders.ablation import ablate
from recommenders.boosting import fit_counts, fit_pairs, pair_names
from recommenders.choice import Shares, fit_choice
from recommenders.contract import Mask
from recommenders.examples import Examples
from recommenders.features import FeatureSchema
from recommenders.metrics import mean_average_precision, reliability
from recommenders.portfolio import Portfolio
from recommenders.ranker import Ranker, fit_stack, learn_corrections, log_popularity, stacked
from recommenders.timeline import Period

LEAST_OPENERS: Final = 100
"""Customers who opened something below which only popularity is learnt."""
LEAST_TO_BOOST: Final = 1_000
LEAST_VALID: Final = 100
FOLDS: Final = 3
MOST_FEATURES_TOLD: Final = 30


@dataclass(frozen=True, slots=True)
class Rounds:
    """Rounds of boosting, of the pair model and of the counts."""

    pairs: int
    counts: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What the ranker was measured on before it was fitted to it too.

    Attributes:
        examples: of those who opened something.
        shares: ``(n, m)`` log shares, by parts that had not seen these.
    """

    examples: Examples
    shares: Shares


def fit_ranker(
    schema: FeatureSchema,
    examples: Examples,
    portfolio: Portfolio,
    period: Period,
    tell: Callable[[Judged], None] = lambda _: None,
) -> Ranker:
    """Fit every part; what there is too little to learn from is left out.

    The stack, the rounds of boosting and the corrections are learnt on the openings of the latest moments, which the
    parts that they judge had not seen; then the parts are fitted anew to all. ``tell`` is given what was measured on.
    """
    plain = _popularity(schema, examples, portfolio, period)
    openers = np.asarray(examples.draw.opened.any(axis=1))
    if openers.sum() < LEAST_OPENERS:
        return plain
    valid = _latest(examples)
    trial, rounds = _fit_parts(plain, examples, openers, valid, None)
    judged = examples.take(valid)
    members = trial.members(judged.features)
    held, opened = judged.features.held, judged.draw.opened
    trial = replace(trial, stack=fit_stack(members, held, opened))
    shares = stacked(trial.stack, members, held)
    tell(Judged(judged.take(openers[valid]), shares[openers[valid]]))
    expected = trial.expected(judged.features, members)
    corrections = learn_corrections(expected, opened, judged.draw.weights)
    final, _ = _fit_parts(plain, examples, openers, np.zeros(len(openers), np.bool_), rounds)
    card = (
        {"stack": dict(trial.stack)}
        | _figures({**members, "stack": shares}, expected * corrections, judged)
        | {"ablation": asdict(ablate(trial, judged, members))}
        | _sizes(final, rounds, openers)
    )
    return replace(final, stack=trial.stack, corrections=corrections, card=card)


def _popularity(schema: FeatureSchema, examples: Examples, portfolio: Portfolio, period: Period) -> Ranker:
    """The ranker that knows popularity alone."""
    weights, opened = examples.draw.weights, examples.draw.opened
    holders = np.asarray(portfolio.held.getnnz(axis=0), np.float32)
    popularity = log_popularity((opened * weights[:, None]).sum(axis=0), holders)
    rate = 1.0 if period.hides else float((opened.sum(axis=1) * weights).sum() / weights.sum())
    return Ranker(schema, period.months, popularity, {"popularity": 1.0}, rate, np.ones(len(popularity), np.float32))


def _fit_parts(
    plain: Ranker, examples: Examples, openers: Mask, valid: Mask, rounds: Rounds | None
) -> tuple[Ranker, Rounds]:
    """Fit logit, pairs and counts to all but ``valid``, by which boosting stops but for ``rounds``."""
    schema, learnt = plain.schema, examples.take(openers & ~valid)
    choice = fit_choice(schema, learnt.features, learnt.draw.opened)
    if openers.sum() < LEAST_TO_BOOST:
        return replace(plain, choice=choice), Rounds(0, 0)
    every = examples.take(openers)
    of_pairs, of_counts = (rounds.pairs, rounds.counts) if rounds else (None, None)
    pairs, of_pairs = fit_pairs(schema, every.features, every.draw.opened, valid[openers], of_pairs)
    counts, number = None, np.asarray(examples.draw.opened.sum(axis=1), np.float32)
    if plain.period_months:
        weights = examples.draw.weights
        counts, of_counts = fit_counts(schema, examples.features, number, weights, valid, of_counts)
    return replace(plain, choice=choice, pairs=pairs, counts=counts), Rounds(of_pairs, of_counts or 0)


def _latest(examples: Examples) -> Mask:
    """Return the examples to judge by: the latest moments, until they hold enough openings, but not all."""
    moments, openers = examples.draw.moments, np.asarray(examples.draw.opened.any(axis=1))
    for number in range(int(moments.max())):
        if openers[moments <= number].sum() >= LEAST_VALID:
            return np.asarray(moments <= number)
    fold = np.random.default_rng(0).integers(0, FOLDS, int(examples.draw.rows.max()) + 1)
    return np.asarray(fold[examples.draw.rows] == 0)


def _figures(known: Mapping[str, Shares], expected: Shares, judged: Examples) -> dict[str, Any]:
    """How each member and the whole did on openings they were not fitted to."""
    held, opened = judged.features.held, judged.draw.opened
    reliable = reliability(-np.expm1(-expected), opened, ~held, judged.draw.weights)
    return {
        "map@7": {name: round(mean_average_precision(found, opened, held, 7), 4) for name, found in known.items()},
        "calibration_error": round(reliable.error, 6),
    }


def _sizes(final: Ranker, rounds: Rounds, openers: Mask) -> dict[str, Any]:
    told = final.pairs.importances(pair_names(final.schema)) if final.pairs else {}
    return {
        "rounds": asdict(rounds),
        "openers": int(openers.sum()),
        "others": int((~openers).sum()),
        "features": dict(sorted(told.items(), key=lambda item: -item[1])[:MOST_FEATURES_TOLD]),
    }
