"""Fits the ranker to examples of the past, and measures it on those it was not fitted to."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recommenders.boosting import fit_counts, fit_pairs, pair_names
from recommenders.choice import Choice, Shares, fit_choice
from recommenders.contract import Mask
from recommenders.examples import Examples
from recommenders.features import FeatureSchema
from recommenders.metrics import mean_average_precision, reliability
from recommenders.portfolio import Portfolio
from recommenders.ranker import Ranker, boosted_shares, fit_stack, learn_corrections, log_popularity, stacked
from recommenders.timeline import Period

logger = logging.getLogger("guanxi.learning")

LEAST_OPENERS: Final = 100
"""Customers who opened something below which only popularity is learnt."""
LEAST_TO_BOOST: Final = 1_000
LEAST_VALID: Final = 100
FOLDS: Final = 3
MOST_FEATURES_TOLD: Final = 30


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
    drawn = examples.draw
    openers = np.asarray(drawn.opened.any(axis=1))
    holders = np.asarray(portfolio.held.getnnz(axis=0), np.float32)
    popularity = log_popularity((drawn.opened * drawn.weights[:, None]).sum(axis=0), holders)
    rate = (
        1.0 if period.hides else float((drawn.opened.sum(axis=1) * drawn.weights).sum() / max(1.0, drawn.weights.sum()))
    )
    plain = Ranker(schema, period.months, popularity, {"popularity": 1.0}, rate, np.ones(len(popularity), np.float32))
    if openers.sum() < LEAST_OPENERS:
        return plain
    valid = _latest(examples)
    logit = _out_of_fold(schema, examples, openers)
    boosts = openers.sum() >= LEAST_TO_BOOST
    of_openers = examples.take(openers)
    judged = valid[openers]
    pairs, rounds = None, 0
    if boosts:
        extra = {"logit": logit[openers]}
        pairs, rounds = fit_pairs(schema, of_openers.features, of_openers.draw.opened, extra, judged)
    members = plain.members(of_openers.features) | {"logit": logit[openers]}
    if pairs is not None:
        members["boosting"] = boosted_shares(pairs, of_openers.features, logit[openers])
    held = of_openers.features.pairs["holds"] > 0
    on_valid = {name: found[judged] for name, found in members.items()}
    stack = fit_stack(on_valid, held[judged], of_openers.draw.opened[judged])
    counts, count_rounds = (None, 0)
    if not period.hides and boosts:
        counts, count_rounds = fit_counts(
            schema, examples.features, drawn.opened.sum(axis=1).astype(np.float32), drawn.weights, valid
        )
    choice = fit_choice(schema, of_openers.features, of_openers.draw.opened)
    trial = _with(plain, stack, choice, pairs, counts)
    corrections, card = _judge(trial, examples.take(valid), logit[valid], on_valid, stack)
    tell(Judged(examples.take(valid & openers), stacked(stack, on_valid, held[judged])))
    if pairs is not None:
        pairs, _ = fit_pairs(
            schema, of_openers.features, of_openers.draw.opened, {"logit": logit[openers]}, judged, rounds
        )
        told = pairs.importances(pair_names(schema, ("logit",)))
        card["features"] = dict(sorted(told.items(), key=lambda item: -item[1])[:MOST_FEATURES_TOLD])
    if counts is not None:
        counts, _ = fit_counts(
            schema, examples.features, drawn.opened.sum(axis=1).astype(np.float32), drawn.weights, valid, count_rounds
        )
    card |= {"rounds": rounds, "openers": int(openers.sum()), "others": int((~openers).sum())}
    return Ranker(schema, period.months, popularity, stack, rate, corrections, choice, pairs, counts, card)


def _with(plain: Ranker, stack: Mapping[str, float], choice: Choice, pairs: Any, counts: Any) -> Ranker:
    return Ranker(
        plain.schema, plain.period_months, plain.popularity, stack, plain.rate, plain.corrections, choice, pairs, counts
    )


def _latest(examples: Examples) -> Mask:
    """Return the examples to judge by: the latest moments, until they hold enough openings, but not all."""
    moments, openers = examples.draw.moments, np.asarray(examples.draw.opened.any(axis=1))
    last = int(moments.max())
    for number in range(last):
        if openers[moments <= number].sum() >= LEAST_VALID:
            return np.asarray(moments <= number)
    return np.asarray(_fold(examples) == 0)


def _fold(examples: Examples) -> NDArray[np.int64]:
    """One fold for all examples of a customer."""
    return np.random.default_rng(0).integers(0, FOLDS, int(examples.draw.rows.max()) + 1)[examples.draw.rows]


def _out_of_fold(schema: FeatureSchema, examples: Examples, openers: Mask) -> Shares:
    """Log shares of every example, by a logit that was fitted to other customers."""
    fold = _fold(examples)
    found = np.zeros(examples.draw.opened.shape, np.float32)
    for number in range(FOLDS):
        learnt = examples.take(openers & (fold != number))
        fitted = fit_choice(schema, learnt.features, learnt.draw.opened)
        rest = np.flatnonzero(fold == number)
        found[rest] = fitted.log_shares(schema, examples.features.take(rest))
    return found


def _judge(
    trial: Ranker,
    valid: Examples,
    logit: Shares,
    members: Mapping[str, Shares],
    stack: Mapping[str, float],
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Return the corrections, and how each member and the whole did on openings not fitted to."""
    held, opened = valid.features.pairs["holds"] > 0, valid.draw.opened
    every = trial.members(valid.features, logit)
    shares = np.exp(stacked(stack, every, held))
    expected = trial.expected_openings(valid.features)[:, None] * np.where(held, 0, shares)
    corrections = learn_corrections(expected, opened, valid.draw.weights)
    reliable = reliability(-np.expm1(-expected * corrections), opened, ~held, valid.draw.weights)
    openers = opened.any(axis=1)
    known = {**members, "stack": stacked(stack, members, held[openers])}
    card = {
        "map@7": {name: round(mean_average_precision(found, opened[openers], held[openers], 7), 4)
                  for name, found in known.items()},
        "calibration_error": round(reliable.error, 6),
        "stack": dict(stack),
    }  # fmt: skip
    return corrections, card
