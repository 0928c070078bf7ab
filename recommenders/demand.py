"""How much of each product will be opened in the months to come, from what was opened in the months that are over.

A log-linear Poisson regression per product over calendar months: a level and a damped trend, and in a second form
month-of-year effects, each drawn to nothing by a ridge, months long ago weighing less (half in a year, in three with a
season). A trend needs ``TREND_MONTHS``, a season ``SEASON_MONTHS`` of history. Both are tried on the past beside naive
(the last month again) and seasonal-naive (the same month a year before) forecasts; what errs clearly least is used.
Intervals hold ``COVERED`` of the openings: negative binomial, spread as the forecasts of the past were, and wider where
history is short.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

import numpy as np
from dateutil.relativedelta import relativedelta
from numpy.typing import NDArray

from graph.records import Product
from recommenders.portfolio import EVER, Ledger
from recommenders.timeline import Period, first_day

Counts: TypeAlias = NDArray[np.float64]
"""``(products, months)``; nan before a product was sold."""
Forecast: TypeAlias = Callable[[Counts, date, int], Counts]
"""From history, the month after it, and how many months to foresee, ``(products, months)``."""

MONTHS: Final = 12
LEAST_MONTHS: Final = 3
TREND_MONTHS: Final = 6
SEASON_MONTHS: Final = 24
MOST_MONTHS: Final = 60
TRIED: Final = 3
"""Months foreseen at each try."""
TRIES: Final = 9
HALF_LIFE: Final = 12.0
SEASON_HALF_LIFE: Final = 36.0
"""A season needs the years there are."""
DAMPING: Final = 0.9
TREND_RIDGE: Final = 10.0
SEASON_RIDGE: Final = 5.0
LEVEL_PRIOR: Final = 0.5
"""Openings added to what a product was seen to open, in as many months as give the bank's mean: none opens never."""
COVERED: Final = 0.8
BETTER: Final = 0.9
"""A method must err by less than this share of the error of those before it in ``FORECASTS``, lest chance choose it."""
ROUNDS: Final = 30


@dataclass(frozen=True, slots=True)
class Demand:
    """Openings foreseen, ``(m, MONTHS)`` each, by the columns of the model's products.

    Attributes:
        first: the first month foreseen, as its first day.
        expected: the mean; nan for a product of which nothing can be said.
        low, high: ends of the interval.
    """

    first: date
    expected: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def month(self, number: int) -> date:
        """Return the first day of a month foreseen."""
        return self.first + relativedelta(months=number)


def fit_demand(ledger: Ledger, period: Period) -> tuple[Demand | None, dict[str, Any]]:
    """Foresee the months after ``period.until``; None where that cannot be; with a card of how good, or why."""
    if period.hides:
        return None, {"why_none": "the holdings carry no dates"}
    counts, first = monthly_openings(ledger, period)
    months = counts.shape[1]
    if months < LEAST_MONTHS:
        return None, {"why_none": f"{months} whole months of openings; {LEAST_MONTHS} are needed", "months": months}
    errors, spreads = back_test(counts, first)
    method = "regression"
    for name, error in errors.items():
        method = name if error < BETTER * errors[method] else method
    after = first + relativedelta(months=months)
    expected = FORECASTS[method](counts, after, MONTHS)
    for column, product in enumerate(ledger.catalogue):
        expected[column] *= [_is_sold(product, after + relativedelta(months=number)) for number in range(MONTHS)]
    seen = np.nansum(counts, axis=1)
    low, high = _interval(expected, spreads[method][:, None], seen[:, None])
    card = {"months": months, "method": method, "mae": {name: round(error, 4) for name, error in errors.items()}}
    if not errors:
        card["why_untried"] = "too few months to try it on the past"
    return Demand(after, expected, low, high), card


def monthly_openings(ledger: Ledger, period: Period) -> tuple[Counts, date]:
    """Return openings by calendar month, whole months only, and the first of them.

    Before the first day a moment may lie on there was no business, but a snapshot; a product has counts from the month
    from which it was sold, or first opened.
    """
    spans = ledger.holdings
    end = (period.until + relativedelta(days=1)).replace(day=1)
    known = first_day(ledger, period.until) or period.until
    begin = max((known + relativedelta(months=1)).replace(day=1), end - relativedelta(months=MOST_MONTHS))
    width = max(0, _months(begin, end))
    counts = np.zeros((len(ledger.catalogue), width))
    those = (spans.since > EVER) & (spans.since >= begin.toordinal()) & (spans.since < end.toordinal())
    days = np.array([date.fromordinal(int(day)) for day in spans.since[those]], "datetime64[M]")
    places = (days - np.datetime64(begin, "M")).astype(np.intp)
    np.add.at(counts, (spans.columns[those], places), 1)
    for column, product in enumerate(ledger.catalogue):
        own = spans.since[(spans.columns == column) & (spans.since > EVER)]
        opened = date.fromordinal(int(own.min())) if len(own) else begin
        start = product.active_from or opened
        counts[column, : min(width, max(0, _months(begin, start)))] = np.nan
    return counts, begin


def back_test(counts: Counts, first: date) -> tuple[dict[str, float], dict[str, NDArray[np.float64]]]:
    """Foresee months of the past from those before them.

    Returns the mean absolute error of each method, by its name, over what all of them could foresee, and ``(m,)`` how
    many times a Poisson's variance it erred by (1 and more).
    """
    months = counts.shape[1]
    origins = list(range(months - TRIED, LEAST_MONTHS - 1, -1))[:TRIES]
    seen = np.concatenate([counts[:, origin : origin + TRIED] for origin in origins] or [counts[:, :0]], axis=1)
    tried = {
        name: np.concatenate(
            [method(counts[:, :origin], first + relativedelta(months=origin), TRIED) for origin in origins]
            or [counts[:, :0]],
            axis=1,
        )
        for name, method in FORECASTS.items()
    }
    able = {name: found for name, found in tried.items() if (~np.isnan(found)).any()}
    both = ~np.isnan(seen)
    for found in able.values():
        both &= ~np.isnan(found)
    errors = {name: float(np.abs(found - seen)[both].mean()) for name, found in able.items()} if both.any() else {}
    return errors, {name: _spread(found, seen) for name, found in tried.items()}


def _spread(foreseen: Counts, seen: Counts) -> NDArray[np.float64]:
    """``(m,)``: mean squared error over the mean, each product's drawn to that of all."""
    known = ~np.isnan(foreseen) & ~np.isnan(seen)
    squared = np.where(known, (seen - foreseen) ** 2 / np.maximum(foreseen, 0.1), 0.0)
    number = known.sum(axis=1)
    overall = (squared.sum() + 1.0) / (number.sum() + 1.0)
    return np.asarray(np.maximum(1.0, (squared.sum(axis=1) + TRIES * overall) / (number + TRIES)), np.float64)


def _interval(expected: Counts, spread: Counts, seen: Counts) -> tuple[Counts, Counts]:
    """Return the ends of the middle ``COVERED``; the mean itself is known no better than ``seen`` openings tell it."""
    from scipy.stats import nbinom  # its libraries take long to import

    months = np.arange(1, expected.shape[1] + 1)
    widened = spread * np.maximum(1.0, months / TRIED)  # beyond what was tried, in proportion
    mean = np.maximum(expected, 1e-9)
    variance = mean * widened + mean**2 / (seen + 1.0)
    share = np.minimum(mean / np.maximum(variance, mean * 1.0001), 1 - 1e-6)
    size = mean * share / (1 - share)
    ends = [nbinom.ppf(place, size, share) for place in ((1 - COVERED) / 2, (1 + COVERED) / 2)]
    low, high = (np.where(expected > 0, end, np.where(np.isnan(expected), np.nan, 0.0)) for end in ends)
    return low, high


def regression(counts: Counts, after: date, ahead: int) -> Counts:
    """Foresee by level and trend."""
    return _each(counts, after, ahead, seasonal=False)


def seasonal_regression(counts: Counts, after: date, ahead: int) -> Counts:
    """Foresee by level, trend and season; nothing where the bank's history is too short for one."""
    if counts.shape[1] < SEASON_MONTHS:
        return np.full((len(counts), ahead), np.nan)
    return _each(counts, after, ahead, seasonal=True)


def _each(counts: Counts, after: date, ahead: int, *, seasonal: bool) -> Counts:
    known = ~np.isnan(counts)
    typical = float(np.nansum(counts) / max(1, known.sum()))
    found = np.full((len(counts), ahead), np.nan)
    for column, own in enumerate(counts):
        months = np.flatnonzero(known[column])
        if len(months):
            start = after - relativedelta(months=counts.shape[1] - int(months[0]))
            found[column] = _foreseen(own[months], start, ahead, typical, seasonal and len(months) >= SEASON_MONTHS)
    return found


def naive(counts: Counts, _: date, ahead: int) -> Counts:
    """Foresee the last month again."""
    return np.repeat(counts[:, -1:], ahead, axis=1)


def seasonal_naive(counts: Counts, _: date, ahead: int) -> Counts:
    """Foresee what the same month of the year before saw."""
    if counts.shape[1] < MONTHS:
        return np.full((len(counts), ahead), np.nan)
    return counts[:, [counts.shape[1] - MONTHS + number % MONTHS for number in range(ahead)]]


FORECASTS: Final[Mapping[str, Forecast]] = {
    "regression": regression,
    "seasonal_regression": seasonal_regression,
    "naive": naive,
    "seasonal_naive": seasonal_naive,
}


def _foreseen(own: Counts, start: date, ahead: int, typical: float, seasonal: bool) -> Counts:
    """Fit one product by penalised, weighted Poisson likelihood (Newton's method), and go on."""
    months = len(own)
    ages = np.arange(months - 1, -1, -1)
    weights = 0.5 ** (ages / (SEASON_HALF_LIFE if seasonal else HALF_LIFE))
    prior = LEVEL_PRIOR / max(typical, 1e-6)
    level = ((own * weights).sum() + LEVEL_PRIOR) / (weights.sum() + prior)
    steps = np.concatenate([-ages.astype(float), _damped(ahead)])
    of_year = np.array([(start + relativedelta(months=number)).month - 1 for number in range(months + ahead)])
    traits = [np.ones(months + ahead)]
    ridge = [0.01]
    if months >= TREND_MONTHS:
        traits.append(steps / 12)
        ridge.append(TREND_RIDGE)
    if seasonal:
        traits += list((of_year[None, :] == np.arange(12)[:, None]).astype(float))
        ridge += [SEASON_RIDGE] * 12
    table, penalty = np.stack(traits, axis=1), np.array(ridge)
    if table.shape[1] == 1:
        return np.full(ahead, level)
    base, fitted = np.log(level), np.zeros(len(penalty))
    for _ in range(ROUNDS):
        mean = np.exp(np.clip(base + table[:months] @ fitted, -20, 20))
        slope = table[:months].T @ (weights * (own - mean)) - penalty * fitted
        curve = (table[:months].T * (weights * mean)) @ table[:months] + np.diag(penalty)
        step = np.clip(np.linalg.solve(curve, slope), -1, 1)
        fitted += step
        if np.abs(step).max() < 1e-6:
            break
    return np.asarray(np.exp(np.clip(base + table[months:] @ fitted, -20, 20)), np.float64)


def _damped(ahead: int) -> Counts:
    return np.asarray(np.cumsum(DAMPING ** np.arange(1, ahead + 1)), np.float64)


def _is_sold(product: Product, month: date) -> bool:
    return (product.active_until is None or product.active_until >= month) and (
        product.active_from is None or product.active_from < month + relativedelta(months=1)
    )


def _months(begin: date, end: date) -> int:
    return (end.year - begin.year) * 12 + end.month - begin.month
