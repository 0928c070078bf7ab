"""Who leaves: the chance that a customer is lost within a horizon, learnt from who was lost after moments of the past.

A customer who held something, or never did and was active in the 3 months before a moment, is *lost* when at the
horizon's end he holds nothing any more, or when he was active before and in none of its whole months. The horizon is
the shortest of 3, 6 and 12 months that saw ``ENOUGH_LOST``. The examples are the ranker's, so that no customer is read
twice; a moment counts only if its whole horizon had passed, and those judged by began when the horizons of all learnt
from were over.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import isnan
from typing import Any, Final

import numpy as np
from dateutil.relativedelta import relativedelta
from numpy.typing import NDArray
from scipy.special import expit

from graph.records import ActivityMonth, Customer
from recommenders.boosting import Boosted, count_names, count_table, fit_events
from recommenders.catalogue import Catalogue
from recommenders.contract import Mask, Text
from recommenders.examples import Examples, Load
from recommenders.features import Features, FeatureSchema
from recommenders.portfolio import Ledger
from recommenders.purposes import without
from recommenders.timeline import Period
from recommenders.view import CustomerView
from recommenders.wording import group, statement

HORIZONS: Final = (3, 6, 12)
ACTIVE_BEFORE: Final = 3
"""Months before a moment in which a customer must have been active for his silence to say something."""
ENOUGH_LOST: Final = 100
LEAST_LOST: Final = 40
LEAST_JUDGED: Final = 20
FOLDS: Final = 4
RIDGE: Final = 1.0
MOST_REASONS: Final = 3
LEAST_CONTRIBUTION: Final = 0.1
"""Log odds below which a feature is no reason."""


@dataclass(frozen=True)
class Churn:
    """The fitted chance of being lost.

    Attributes:
        horizon_months: what it looks ahead.
        rate: the bank's own, for all customers where nothing told them apart.
        model: None where nothing did.
        intercept, slope: turn the model's log odds into calibrated ones (Platt 1999).
    """

    schema: FeatureSchema
    horizon_months: int
    rate: float
    model: Boosted | None = None
    intercept: float = 0.0
    slope: float = 1.0

    def probabilities(self, features: Features) -> NDArray[np.float64]:
        """``(n,)``: chances of being lost within the horizon."""
        if self.model is None:
            return np.full(len(features), self.rate)
        odds = self.intercept + self.slope * self.model.predict(count_table(features)).astype(np.float64)
        return np.asarray(expit(odds), np.float64)

    def reasons(
        self, features: Features, customers: Sequence[CustomerView], catalogue: Catalogue
    ) -> list[tuple[Text, ...]]:
        """What raises each customer's chance most, by the model's own contributions, in words."""
        if self.model is None:
            return [()] * len(customers)
        table, names = count_table(features), count_names(self.schema)
        groups = [group(name) for name in names]
        found = self.slope * self.model.contributions(table)
        return [
            self._reasons(names, groups, found[row].tolist(), table[row].tolist(), customer, catalogue)
            for row, customer in enumerate(customers)
        ]

    def _reasons(
        self,
        names: Sequence[str],
        groups: Sequence[str],
        contributions: Sequence[float],
        row: Sequence[float],
        customer: CustomerView,
        catalogue: Catalogue,
    ) -> tuple[Text, ...]:
        total: dict[str, float] = {}
        strongest: dict[str, int] = {}
        for place, (about, own, known) in enumerate(zip(groups, contributions, row, strict=True)):
            total[about] = total.get(about, 0.0) + own
            if not isnan(known) and own > contributions[strongest.get(about, place)] - 1e-12:
                strongest[about] = place
        values = dict(zip(names, row, strict=True))
        told: list[Text] = []
        for about in sorted(strongest, key=lambda about: -total[about]):
            if total[about] < LEAST_CONTRIBUTION or len(told) == MOST_REASONS:
                break
            name = names[strongest[about]]
            value = self.schema.words[name][int(values[name])] if self._is_word(name, values) else values[name]
            text = (
                None
                if name in self.schema.words and not isinstance(value, str)
                else statement(name, value, values, customer, catalogue)
            )
            if text is not None:
                told.append(text)
        return tuple(told)

    def _is_word(self, name: str, values: Mapping[str, float]) -> bool:
        return name in self.schema.words and values[name] < len(self.schema.words[name])


class ActiveMonths:
    """Reads customers by another reader, and notes in which months each was active: the ledger does not know.

    Of ``confined`` kinds of data it notes nothing.
    """

    def __init__(self, load: Load, confined: Collection[str] = ()) -> None:
        self._load = load
        self._confined = confined
        self._months: dict[str, NDArray[np.int32]] = {}
        self.seen: set[int] = set()

    async def __call__(self, customer_nos: Sequence[str]) -> Sequence[Customer]:
        """Read customers."""
        records = await self._load(customer_nos)
        for record in records:
            known = without(record, self._confined).activity
            active = np.array([_month(month.month) for month in known if _is_active(month)], np.int32)
            if len(active):
                self._months[record.customer_no] = np.sort(active)
                self.seen.update(active.tolist())
        return records

    def any_within(self, customer_no: str, after: int, until: int) -> bool:
        """Whether a customer was active in the months ``(after, until]``, as year × 12 + month."""
        months = self._months.get(customer_no)
        return months is not None and bool(
            np.searchsorted(months, until, "right") > np.searchsorted(months, after, "right")
        )


@dataclass(frozen=True, slots=True)
class Cases:
    """Which examples can tell, and which of them were lost; ``(n,)`` each."""

    known: Mask
    lost: Mask


def fit_churn(
    schema: FeatureSchema,
    examples: Examples,
    ledger: Ledger,
    active: ActiveMonths,
    days: Sequence[date],
    period: Period,
) -> tuple[Churn | None, dict[str, Any]]:
    """Fit to the examples; ``days`` are the moments, the latest first.

    Returns None where there is nothing to learn from, and a card of how good it is, or why there is none.
    """
    if period.hides:
        return None, {"why_none": "the holdings carry no dates"}
    found: tuple[int, Cases] | None = None
    most = 0
    for months in HORIZONS:
        cases = find_cases(examples, ledger, active, days, months, period.until)
        lost = len(np.unique(examples.draw.rows[cases.lost]))
        if found is None or lost > most:
            found, most = (months, cases), lost
        if lost >= ENOUGH_LOST:
            break
    if found is None or most < LEAST_LOST:
        return None, {"why_none": f"{most} customers seen lost; {LEAST_LOST} are needed", "lost": most}
    horizon, cases = found
    kept = examples.take(cases.known)
    gone, weights = cases.lost[cases.known], kept.draw.weights
    rate = float(np.average(gone, weights=weights))
    card: dict[str, Any] = {"horizon_months": horizon, "lost": most, "rate": round(rate, 5)}
    judged, learnt, split = _split(kept, gone, days, horizon)
    trial, rounds = _fit(schema, kept.take(learnt), gone[learnt], horizon, rate)
    auc, error, lift = _quality(
        trial.probabilities(kept.features.take(np.flatnonzero(judged))), gone[judged], weights[judged]
    )
    card |= {"auc": round(auc, 4), "auc_error": round(error, 4), "lift_10": round(lift, 2), "judged_by": split}
    if auc - 2 * error <= 0.5:
        return Churn(schema, horizon, rate), card | {
            "why_none": "nothing tells customers apart; all have the bank's rate"
        }
    model, _ = fit_events(schema, kept.features, gone, weights, judged, rounds)
    told = model.importances(count_names(schema))
    card["features"] = {name: round(gain, 4) for name, gain in sorted(told.items(), key=lambda item: -item[1])[:10]}
    return replace(trial, model=model), card


def find_cases(
    examples: Examples, ledger: Ledger, active: ActiveMonths, days: Sequence[date], months: int, until: date
) -> Cases:
    """Say of each example whether its horizon is known, and whether the customer was lost in it."""
    rows, moments = examples.draw.rows, examples.draw.moments
    known, lost = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
    for number, day in enumerate(days):
        places = np.flatnonzero(moments == number)
        end = day + relativedelta(months=months)
        if end > until or not len(places):
            continue
        held, holds = (_holds(ledger, then)[rows[places]] for then in (day, end))
        was, silent = _silence(ledger, active, rows[places], day, end)
        known[places] = held | (was & ~_has_held(ledger, day)[rows[places]])
        lost[places] = (held & ~holds) | (was & silent)
    lost &= known
    return Cases(known, lost)


def is_case(customer: CustomerView) -> bool:
    """Whether a customer can be lost at all: he holds something, or never did and was active lately."""
    if customer.ever:
        return bool(customer.holdings)
    this = customer.today.year * 12 + customer.today.month
    return any(_month(month.month) >= this - ACTIVE_BEFORE and _is_active(month) for month in customer.activity)


def _silence(ledger: Ledger, active: ActiveMonths, rows: NDArray[np.int32], day: date, end: date) -> tuple[Mask, Mask]:
    """Whether each was active before a day, and in no whole month from it to the end; known while activity is."""
    start = day.year * 12 + day.month
    last = end.year * 12 + end.month - 1  # a month is known when it is over
    if last <= start or last not in active.seen:
        return np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
    numbers = [ledger.customer_nos[row] for row in rows]
    was = np.array([active.any_within(number, start - 1 - ACTIVE_BEFORE, start - 1) for number in numbers], np.bool_)
    return was, ~np.array([active.any_within(number, start, last) for number in numbers], np.bool_)


def _holds(ledger: Ledger, day: date) -> Mask:
    return _marked(ledger, ledger.holdings.on(day.toordinal()))


def _has_held(ledger: Ledger, day: date) -> Mask:
    return _marked(ledger, ledger.holdings.since <= day.toordinal())


def _marked(ledger: Ledger, those: Mask) -> Mask:
    marks = np.zeros(len(ledger.customer_nos), np.bool_)
    marks[ledger.holdings.rows[those]] = True
    return marks


def _split(kept: Examples, lost: Mask, days: Sequence[date], horizon: int) -> tuple[Mask, Mask, str]:
    """Return which examples judge, and which are learnt from meanwhile: by time, or else by customers."""
    moments = kept.draw.moments
    for number in sorted(set(moments.tolist())):
        judged = moments <= number
        over = [day + relativedelta(months=horizon) <= days[number] for day in days]
        learnt = np.array(over, np.bool_)[moments]
        if lost[judged].sum() >= LEAST_JUDGED and lost[learnt].sum() >= LEAST_JUDGED:
            return judged, learnt, "the latest moments"
    judged = np.random.default_rng(0).integers(0, FOLDS, int(kept.draw.rows.max()) + 1)[kept.draw.rows] == 0
    return judged, ~judged, "other customers"


def _fit(schema: FeatureSchema, learnt: Examples, lost: Mask, horizon: int, rate: float) -> tuple[Churn, int]:
    """Fit, stop and calibrate, on customers apart."""
    stop = np.random.default_rng(1).integers(0, FOLDS, int(learnt.draw.rows.max()) + 1)[learnt.draw.rows] == 0
    model, rounds = fit_events(schema, learnt.features, lost, learnt.draw.weights, stop)
    raw = model.predict(count_table(learnt.features.take(np.flatnonzero(stop)))).astype(np.float64)
    weights = learnt.draw.weights[stop] / learnt.draw.weights[stop].mean()

    def loss(line: NDArray[np.float64]) -> float:
        odds = line[0] + line[1] * raw
        fit = (weights * (np.logaddexp(0, odds) - lost[stop] * odds)).sum()
        return float(fit + RIDGE * (line[0] ** 2 + (line[1] - 1) ** 2))

    from scipy.optimize import minimize  # its libraries take long to import

    intercept, slope = minimize(loss, np.array([0.0, 1.0]), bounds=[(-5, 5), (0.05, 3)]).x
    return Churn(schema, horizon, rate, model, float(intercept), float(slope)), rounds


def _quality(
    probabilities: NDArray[np.float64], lost: Mask, weights: NDArray[np.float32]
) -> tuple[float, float, float]:
    """Return AUC, its standard error (Hanley and McNeil 1982), and how often the likeliest tenth is lost beside all."""
    if lost.all() or not lost.any():
        return 0.5, 0.5, 1.0
    from sklearn.metrics import roc_auc_score  # its libraries take long to import

    auc = float(roc_auc_score(lost, probabilities, sample_weight=weights))
    ones, zeros = int(lost.sum()), int((~lost).sum())
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (ones - 1) * (one - auc**2) + (zeros - 1) * (two - auc**2)
    order = np.argsort(-probabilities, kind="stable")
    tenth = order[: max(1, int(np.searchsorted(np.cumsum(weights[order]), 0.1 * weights.sum())))]
    lift = float(np.average(lost[tenth], weights=weights[tenth]) / np.average(lost, weights=weights))
    return auc, float(np.sqrt(variance / (ones * zeros))), lift


def _month(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:])


def _is_active(month: ActivityMonth) -> bool:
    """Whether anything was booked; a month that says no number of transactions counts by its money."""
    if month.transactions is not None:
        return month.transactions > 0
    return month.inflow is None or bool(month.inflow) or bool(month.outflow)
