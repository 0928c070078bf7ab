"""Whether a newly trained model ranks worse than the live one, on openings that neither was fitted to.

The candidate was measured on the latest moments before it was fitted to them too; of their openings those count that
came after the day the live model was trained as of. Where these are too few, as after two trainings as of one day, or
where openings carry no dates, each model's own card is read instead, if both are of one bank's products and period; if
they were measured on different openings, what chance may make of such samples is allowed for besides.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np

from recommenders.artefact import Model
from recommenders.card import Card
from recommenders.choice import FLOOR, Shares
from recommenders.contract import Mask, Recommender
from recommenders.examples import Draw, Load, Past, read_examples
from recommenders.features import Features, aligned
from recommenders.learning import LEAST_VALID, Judged
from recommenders.metrics import mean_average_precision
from recommenders.portfolio import Ledger
from recommenders.ranker import Ranker, stacked
from recommenders.telling import learnt_of
from recommenders.timeline import Period, openings

MARGIN: Final = 0.05
"""The candidate is worse where its MAP@7 is lower by more than this share of the live model's."""
DEVIATIONS: Final = 2.0
"""Of two cards' difference, by the largest deviation that a mean of values from 0 to 1 can have."""
BEST: Final = 7


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models' MAP@7; None where one has none, both where they cannot be compared.

    Attributes:
        on: what it was measured on, or why it was not, as the end of a sentence.
        allowed: by how much the candidate's may be lower.
    """

    live_id: str
    candidate: float | None
    live: float | None
    on: str
    allowed: float = 0.0

    @property
    def is_worse(self) -> bool:
        """Whether the candidate should not be put in force by itself."""
        if self.live is None:
            return False
        return self.candidate is None or self.candidate < self.live - self.allowed

    @property
    def why_worse(self) -> str | None:
        """Why the candidate should not be put in force by itself, as the end of a sentence; None where it may be."""
        if not self.is_worse:
            return None
        if self.candidate is None:
            return f"it was not measured, as {self.live_id} was, which stays."
        return f"it evaluates worse than {self.live_id} by more than {self.allowed:.4f}, which stays."


async def compare(
    candidate: Model,
    live: Model,
    judged: Judged | None,
    ledger: Ledger,
    load: Load,
    period: Period,
    past: Sequence[Past],
    recommenders: Sequence[Recommender],
) -> Comparison:
    """Compare a candidate with the live model, whose recommenders are given as they serve: guarded, and trained."""
    if judged is None or period.hides or live.ranker is None:
        return by_cards(candidate, live)
    drawn = judged.examples.draw
    fresh = _after(live.as_of, drawn, ledger, period, past)
    those = np.asarray(fresh.any(axis=1))
    if those.sum() < LEAST_VALID:
        return by_cards(candidate, live)
    examples = judged.examples.take(those)
    served = [replace(moment, recommenders=tuple(recommenders), tell=learnt_of(live).tell) for moment in past]
    seen = await read_examples(load, ledger, live.ranker.schema, examples.draw, served, lambda _: None)
    held = examples.features.held | (examples.draw.opened & ~fresh[those])
    one, other = [
        round(mean_average_precision(shares, fresh[those], held, BEST), 4)
        for shares in (judged.shares[those], _shares(live.ranker, seen.features, ledger))
    ]
    first = max(live.as_of, past[int(drawn.moments.max())].day)
    on = f"what {those.sum():,} customers opened from {first} to {period.until}, which neither had seen"
    return Comparison(live.model_id, one, other, on, MARGIN * other)


def by_cards(candidate: Model, live: Model) -> Comparison:
    """Compare what each was measured at when it was trained."""
    one, other = candidate.card, live.card
    periods = {card.period_months for card in (one, other) if card.period_months is not None}
    if set(candidate.product_codes) != set(live.product_codes) or len(periods) > 1:
        return Comparison(live.model_id, None, None, "it is of other products, or of another period")
    if one.headline is None and other.headline is None:
        return Comparison(live.model_id, None, None, "too few customers opened something to measure either")
    if one.judged == other.judged:
        on = "the openings that both were measured on before they were fitted to them"
        return Comparison(live.model_id, one.headline, other.headline, on, MARGIN * (other.headline or 0))
    on = "the openings that each was measured on when it was trained, for too few came after the live one's day"
    return Comparison(live.model_id, one.headline, other.headline, on, _allowed(one, other))


def _allowed(one: Card, other: Card) -> float:
    known = [(card.headline, card.judged["examples"]) for card in (one, other) if card.headline is not None]
    deviation = math.sqrt(sum(figure * (1 - figure) / count for figure, count in known))
    return max(MARGIN * (other.headline or 0), DEVIATIONS * deviation)


def _after(day: date, drawn: Draw, ledger: Ledger, period: Period, past: Sequence[Past]) -> Mask:
    """``(n, m)``: opened after a day."""
    fresh = drawn.opened.copy()
    for number in np.unique(drawn.moments):
        if day > past[number].day:
            later = np.zeros((len(ledger.customer_nos), fresh.shape[1]), np.bool_)
            pairs = openings(ledger, day, past[number - 1].day if number else period.until)
            later[pairs[:, 0], pairs[:, 1]] = True
            rows = np.flatnonzero(drawn.moments == number)
            fresh[rows] &= later[drawn.rows[rows]]
    return fresh


def _shares(ranker: Ranker, features: Features, ledger: Ledger) -> Shares:
    """Log shares of the catalogue's products; the lowest for those that the ranker does not know."""
    shares = stacked(ranker.stack, ranker.members(features), features.held)
    found = aligned(shares, ranker.schema.columns, ledger.catalogue.codes, (len(features), len(ledger.catalogue)))
    return np.nan_to_num(found, nan=2 * FLOOR)
