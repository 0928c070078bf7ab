"""The learned ranker: what each customer's chance is of opening each product within the next period.

``propensity = 1 − exp(−openings × share × correction)``: how many products the customer is expected to open (a Poisson
model over customers), how they fall among what he does not hold (a stack of the logit, the pair model and popularity,
weighed by openings that none had seen: Wolpert 1992), and how each product came out against that (a ratio shrunk to 1).
Where there was too little to learn from, the stack has popularity alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from recommenders.batch import Batch
from recommenders.boosting import BATCH_PAIRS, Boosted, count_table, pair_table
from recommenders.choice import Choice, Shares, log_softmax
from recommenders.contract import Mask, Scores
from recommenders.features import Features, FeatureSchema, aligned, extract

STACK_RIDGE: Final = 1.0
SHRINKAGE: Final = 20.0
"""Expected openings at which a product's own correction weighs as much as none."""

Stack: TypeAlias = Mapping[str, float]


@dataclass(frozen=True)
class Ranker:
    """A trained ranker; one code path for one customer and for all.

    Attributes:
        period_months: what a propensity looks ahead; 0 where openings carried no dates.
        popularity: ``(m,)`` log chance of each product among all that are opened.
        stack: weight of each member's log shares.
        rate: mean expected openings a period, where there is no model of them.
        corrections: ``(m,)`` openings seen for each expected.
    """

    schema: FeatureSchema
    period_months: int
    popularity: NDArray[np.float32]
    stack: Stack
    rate: float
    corrections: NDArray[np.float32]
    choice: Choice | None = None
    pairs: Boosted | None = None
    counts: Boosted | None = None
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def horizon(self) -> str:
        """What a propensity is the chance of."""
        return f"to open it within {self.period_months} months" if self.period_months else "that it is the next one"

    def propensities(self, batch: Batch, scores: Mapping[str, Scores]) -> Scores:
        """``(n, m of the batch)``: chances of opening; nan for what is held and for what training did not know."""
        features = extract(self.schema, batch, scores)
        found = self.of_features(features)
        return aligned(found, self.schema.columns, batch.catalogue.codes, batch.shape)

    def of_features(self, features: Features) -> Scores:
        """``(n, m)``: chances of opening, nan for what is held."""
        expected = self.expected(features, self.members(features))
        return np.where(features.held, np.nan, -np.expm1(-expected)).astype(np.float32)

    def expected(self, features: Features, members: Mapping[str, Shares]) -> Shares:
        """``(n, m)``: openings expected within the period, by the members' log shares; none of what is held."""
        held = features.held
        shares = np.where(held, 0, np.exp(stacked(self.stack, members, held)))
        return np.asarray(self.expected_openings(features)[:, None] * shares * self.corrections, np.float32)

    def expected_openings(self, features: Features) -> NDArray[np.float32]:
        """``(n,)``: products a customer is expected to open within the period."""
        if self.counts is None:
            return np.full(len(features), self.rate, np.float32)
        return np.exp(self.counts.predict(count_table(features)))

    def members(self, features: Features) -> dict[str, Shares]:
        """Log shares, ``(n, m)``, by each member of the stack."""
        held = features.held
        found = {"popularity": log_softmax(np.broadcast_to(self.popularity, held.shape), held)}
        if self.choice is not None:
            found["logit"] = self.choice.log_shares(self.schema, features)
        if self.pairs is not None:
            found["boosting"] = boosted_shares(self.schema, self.pairs, features)
        return found


def boosted_shares(schema: FeatureSchema, model: Boosted, features: Features) -> Shares:
    """Turn the pair model's chances into log shares among what is not held."""
    held = features.held
    logs = np.zeros(held.shape, np.float32)
    step = max(1, BATCH_PAIRS // held.shape[1])
    for start in range(0, len(features), step):
        rows, columns = np.nonzero(~held[start : start + step])
        rows += start
        odds = model.predict(pair_table(schema, features, rows, columns))
        logs[rows, columns] = -np.logaddexp(0, -odds)
    return log_softmax(logs, held)


def stacked(stack: Stack, members: Mapping[str, Shares], held: Mask) -> Shares:
    """Log shares of the weighed members."""
    utilities = np.zeros(held.shape, np.float32)
    for name, weight in stack.items():
        if weight:
            utilities += np.float32(weight) * members[name]
    return log_softmax(utilities, held)


def fit_stack(members: Mapping[str, Shares], held: Mask, opened: Mask) -> Stack:
    """Weigh the members, none below zero, by the likelihood of openings that none of them was fitted to."""
    from scipy.optimize import minimize  # its libraries take long to import

    names = tuple(members)
    logs = np.stack([members[name] for name in names], axis=2)
    chosen = opened.astype(np.float64)
    count = chosen.sum(axis=1, keepdims=True)
    learnt = np.array([name != "popularity" for name in names])
    start = learnt / max(1, learnt.sum())

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        shares = log_softmax((logs @ weights).astype(np.float32), held)
        error = np.exp(shares) * count - chosen
        down = np.array([(logs[:, :, number] * np.where(held, 0, error)).sum() for number in range(len(names))])
        value = -(chosen * shares).sum() + 0.5 * STACK_RIDGE * ((weights - start) ** 2).sum()
        return float(value), down + STACK_RIDGE * (weights - start)

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, 3)] * len(names)).x
    return {name: round(float(weight), 4) for name, weight in zip(names, found, strict=True)}


def learn_corrections(expected: Scores, opened: Mask, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(m,)``: openings seen for each expected, shrunk to the ratio over all products, and that to 1."""
    foreseen = (np.nan_to_num(expected) * weights[:, None]).sum(axis=0)
    seen = (opened * weights[:, None]).sum(axis=0)
    overall = (seen.sum() + SHRINKAGE) / (foreseen.sum() + SHRINKAGE)
    return np.asarray((seen + SHRINKAGE * overall) / (foreseen + SHRINKAGE), np.float32)


def log_popularity(openings: NDArray[np.float32], holders: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(m,)``: log chances by what was opened, or, where nothing was, by what is held; one is added to each."""
    counts = (openings if openings.sum() else holders) + 1.0
    return np.asarray(np.log(counts / counts.sum()), np.float32)
