"""What training learns from: moments of the past, what was known then, and what was opened next.

Where openings are dated, a moment is an anniversary of the last day that saw one (that day less ``k`` months), and its
openings are those of the period after it. The period is the shortest of 1, 3, 6 and 12 months that saw
``ENOUGH_OPENINGS``; moments do not reach back before the day of the first snapshot, whose burst of openings was none.
Where openings carry no dates, each holding of a customer is hidden in turn, in folds of customers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from dateutil.relativedelta import relativedelta
from numpy.typing import NDArray

from recommenders.portfolio import EVER, Ledger, Portfolio

PERIODS: Final = (1, 3, 6, 12)
ENOUGH_OPENINGS: Final = 200
MOST_MOMENTS: Final = 24
FOLDS: Final = 4
LONGEST_MONTH: Final = 31
LEAST_DATED: Final = 0.05
"""Share of holdings whose opening day must be known for time to be learnt from; the others count as held ever since."""
BURST: Final = 0.5
"""A first day that saw this share of all dated openings is a snapshot, not a day of business."""


@dataclass(frozen=True, slots=True)
class Period:
    """How moments are made.

    Attributes:
        months: how long after a moment an opening counts; 0 where a holding is hidden instead.
        moments: how many there are.
        until: the last day that is looked at.
    """

    months: int
    moments: int
    until: date

    @property
    def hides(self) -> bool:
        """Whether moments hide a holding each instead of looking at a period."""
        return self.months == 0

    @property
    def sees_seasons(self) -> bool:
        """Whether the moments saw every month of a year."""
        return self.months * self.moments >= 12


@dataclass(frozen=True, slots=True)
class Moment:
    """What was known on a day, and what was opened next.

    Attributes:
        portfolio: what was known.
        openings: ``(o, 2)`` customer row in the ledger and product column, each pair once. Where a period hides, each
            is an example of its own, that hides this holding.
    """

    portfolio: Portfolio
    openings: NDArray[np.int32]


def find_period(ledger: Ledger, as_of: date) -> Period:
    """Choose how to learn: over which period, and from how many moments."""
    opened = _dated(ledger, as_of)
    known = _known(ledger, as_of)
    first = _first_moment(opened, known)
    if first is None or len(opened) < LEAST_DATED * known:
        return Period(0, FOLDS, as_of)
    until = date.fromordinal(int(opened.max()))
    enough = min(ENOUGH_OPENINGS, int((opened > first).sum()) // 4)
    for months in PERIODS:
        starts = [until - relativedelta(months=months * number) for number in range(1, MOST_MOMENTS + 1)]
        usable = sum(start.toordinal() >= first for start in starts)
        if not usable:
            break
        if (opened > starts[0].toordinal()).sum() >= enough or months == PERIODS[-1]:
            return Period(months, usable, until)
    return Period(0, FOLDS, as_of)


def first_day(ledger: Ledger, as_of: date) -> date | None:
    """Return the first day of business that the bank's openings tell of; None where they tell of none."""
    first = _first_moment(_dated(ledger, as_of), _known(ledger, as_of))
    return None if first is None else date.fromordinal(first)


def moments(ledger: Ledger, period: Period, seed: int = 0) -> Iterator[Moment]:
    """Yield the moments, the latest first, one at a time: each holds a portfolio."""
    if period.hides:
        yield from _hiding(ledger, period, seed)
        return
    for number in range(period.moments):
        start, end = (period.until - relativedelta(months=past * period.months) for past in (number + 1, number))
        yield Moment(ledger.portfolio(start), openings(ledger, start, end))


def openings(ledger: Ledger, after: date, until: date) -> NDArray[np.int32]:
    """``(o, 2)``: who opened what in ``(after, until]`` that was not held on ``after``."""
    spans, start = ledger.holdings, after.toordinal()
    opened = (spans.since > max(start, EVER)) & (spans.since <= until.toordinal())
    width = len(ledger.catalogue)
    pairs = np.unique(spans.rows[opened].astype(np.int64) * width + spans.columns[opened])
    held = spans.rows[spans.on(start)].astype(np.int64) * width + spans.columns[spans.on(start)]
    fresh = np.setdiff1d(pairs, held)
    return np.stack([fresh // width, fresh % width], axis=1).astype(np.int32)


def _hiding(ledger: Ledger, period: Period, seed: int) -> Iterator[Moment]:
    """Hide every holding in turn, of one share of the customers a moment; recommenders learn from all other customers.

    Had they learnt of these as of customers who hold nothing, every share would be lower than the one that is served.
    """
    spans = ledger.holdings
    fold = np.random.default_rng(seed).integers(0, period.moments, len(ledger.customer_nos))
    held = spans.on(period.until.toordinal())
    for number in range(period.moments):
        part = held & (fold[spans.rows] == number)
        pairs = np.unique(np.stack([spans.rows[part], spans.columns[part]], axis=1), axis=0)
        yield Moment(ledger.portfolio(period.until, np.flatnonzero(fold == number)), pairs.astype(np.int32))


def _dated(ledger: Ledger, as_of: date) -> NDArray[np.int32]:
    since = ledger.holdings.since
    return since[(since > EVER) & (since <= as_of.toordinal())]


def _known(ledger: Ledger, as_of: date) -> int:
    """How many holdings are known by a day, with a day of their own or without."""
    return int((ledger.holdings.since <= as_of.toordinal()).sum())


def _first_moment(opened: NDArray[np.int32], known: int) -> int | None:
    """The first day a moment may lie on, as an ordinal; None where nothing was opened after it."""
    if not len(opened):
        return None
    first = int(opened.min())
    days, counts = np.unique(opened, return_counts=True)
    # A first snapshot dates all that was held before on its own day, or on a day before it, or not at all.
    burst = days[counts >= BURST * len(opened)]
    if len(burst):
        first = max(first, int(burst.max()))
    elif len(opened) < BURST * known:
        first -= LONGEST_MONTH
    return first if (opened > first).any() else None
