"""The bank's whole portfolio: read once as a ledger of dated facts, then seen as it was on any day.

Memory: about 14 bytes a holding, 12 bytes a customer's cohort, 20 bytes and his number a customer; nothing else is kept
of the rows read.
"""

import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from graph.errors import NotLearnt
from graph.rows import word
from graph.words import CustomerKind, RelationKind, ValueTier
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Mask
from recommenders.purposes import row_without
from recommenders.view import FAMILY

KINDS = tuple(CustomerKind)
EVER: Final = 0
"""The day of what has no known start, as an ordinal."""
NEVER: Final = date.max.toordinal()
"""The day of what has no known end."""


@dataclass(frozen=True)
class Portfolio:
    """``n`` customers and ``m`` products on ``today``.

    Attributes:
        catalogue: the bank's products, its columns.
        today: the day that it is seen on; nothing later is known.
        rows: ``(n,)`` the customers' rows in the ledger.
        held: ``(n, m)`` float32, 1 where held.
        kinds: ``(n,)`` position in ``CustomerKind``.
        cohort_keys: the ``c`` groups, as (type, key).
        cohorts: ``(n, c)`` float32, 1 where a customer belongs.
        first: the first known opening day; None where none is known.
        last: the last known opening day; None where none is known.
        make_batch: makes ``batch``; None where the customers were not read.
    """

    catalogue: Catalogue
    today: date
    rows: NDArray[np.int32]
    held: csr_matrix
    kinds: NDArray[np.int8]
    cohort_keys: tuple[tuple[str, str], ...]
    cohorts: csr_matrix
    first: date | None
    last: date | None
    make_batch: Callable[[], Batch] | None = None

    @cached_property
    def batch(self) -> Batch:
        """The customers as ``propose`` sees them, in the order of ``rows``, as they were on the day; made when asked.

        Raises:
            NotLearnt: the recommender does not say that it learns from customers, so they were not read.
        """
        if self.make_batch is None:
            raise NotLearnt("customers are read only for a recommender that has learns_from_customers = True")
        return self.make_batch()

    def own(self) -> "Portfolio":
        """Return one whose arrays may be written, and no other is changed by it."""
        copies = {name: getattr(self, name).copy() for name in ("rows", "held", "kinds", "cohorts")}
        return replace(self, **copies)

    @property
    def customers(self) -> int:
        """Number of customers."""
        return int(self.held.shape[0])

    @property
    def holdings(self) -> int:
        """Number of holdings."""
        return int(self.held.nnz)


@dataclass(frozen=True, slots=True)
class Spans:
    """Dated facts, one a position: customer row, column, first day, and the day from which it is over (ordinals)."""

    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    since: NDArray[np.int32]
    until: NDArray[np.int32]

    def on(self, day: int) -> Mask:
        """Which of them hold on a day."""
        return (self.since <= day) & (self.until > day)


class _Columns:
    """Spans that grow."""

    def __init__(self) -> None:
        self._values = tuple(array("i") for _ in range(4))

    def add(self, row: int, column: int, since: int, until: int) -> None:
        for values, value in zip(self._values, (row, column, since, until), strict=True):
            values.append(value)

    def spans(self) -> Spans:
        return Spans(*(np.array(values, np.int32) for values in self._values))


class Ledger:
    """Every customer's holdings and groups with their days, from one reading of the graph; of confined data nothing."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.customer_nos: list[str] = []
        self._kinds = array("b")
        self._joined = array("i")
        self.regions = array("i")
        self.tiers: list[ValueTier | None] = []
        self.incomes = array("f")
        self._region_index: dict[str | None, int] = {None: 0}
        self._holdings, self._groups = _Columns(), _Columns()
        self._group_index: dict[tuple[str, str], int] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Take in one customer of ``graph.portfolio.pages``, without what may not serve every product."""
        row = row_without(row, self.catalogue.limits.kinds)
        number = len(self.customer_nos)
        self.customer_nos.append(row["customer_no"])
        self._kinds.append(KINDS.index(CustomerKind(row["kind"])))
        self._joined.append(_ordinal(row["joined_on"], EVER))
        self.regions.append(self._region_index.setdefault(row.get("region"), len(self._region_index)))
        self.tiers.append(word(ValueTier, row.get("value_tier")))
        income = row.get("income")
        self.incomes.append(math.nan if income is None else income)
        for code, opened, closed in row["holdings"]:
            self._holdings.add(number, self.catalogue.index[code], _ordinal(opened, EVER), _ordinal(closed, NEVER))
        for key, since, until in _groups(row):
            column = self._group_index.setdefault(key, len(self._group_index))
            self._groups.add(number, column, since, until)

    @property
    def kinds(self) -> NDArray[np.int8]:
        """Every customer's kind, as its position in ``CustomerKind``."""
        return np.array(self._kinds, np.int8)

    @property
    def region_names(self) -> tuple[str, ...]:
        """The regions that ``regions`` counts from 1; 0 is none known."""
        return tuple(name for name in self._region_index if name is not None)

    @cached_property
    def holdings(self) -> Spans:
        """Every holding; read after the last customer was added."""
        return self._holdings.spans()

    @cached_property
    def groups(self) -> Spans:
        """Every belonging to a group."""
        return self._groups.spans()

    def without(self, hidden: NDArray[np.intp]) -> "Ledger":
        """Return a ledger that knows nothing of some holdings, given by their positions in ``holdings``."""
        less, spans = copy(self), self.holdings
        less.__dict__["holdings"] = Spans(*(np.delete(getattr(spans, name), hidden) for name in Spans.__slots__))
        return less

    def present(self, day: date) -> Mask:
        """Which customers had joined by a day, or held anything by then."""
        then = day.toordinal()
        present: Mask = np.array(self._joined, np.int32) <= then
        present[self.holdings.rows[(self.holdings.since <= then) & (self.holdings.since > EVER)]] = True
        return present

    def portfolio(self, day: date, apart: NDArray[np.intp] | Sequence[int] = ()) -> Portfolio:
        """Return what was known at the end of a day of all customers but those of some rows."""
        then = day.toordinal()
        present = self.present(day)
        present[np.asarray(apart, np.intp)] = False
        rows = np.flatnonzero(present).astype(np.int32)
        held = self.holdings.on(then) & present[self.holdings.rows]
        dated = self.holdings.since[held & (self.holdings.since > EVER)]
        return Portfolio(
            self.catalogue,
            day,
            rows,
            self._matrix(self.holdings, held, len(self.catalogue))[rows],
            np.array(self._kinds, np.int8)[rows],
            tuple(self._group_index),
            self._matrix(self.groups, self.groups.on(then), len(self._group_index))[rows],
            date.fromordinal(int(dated.min())) if len(dated) else None,
            date.fromordinal(int(dated.max())) if len(dated) else None,
        )

    def _matrix(self, spans: Spans, those: Mask, width: int) -> csr_matrix:
        pairs = spans.rows[those], spans.columns[those]
        ones = np.ones(len(pairs[0]), np.float32)
        matrix = csr_matrix((ones, pairs), shape=(len(self.customer_nos), width))
        matrix.data[:] = 1  # a pair that stands there twice was summed
        return matrix


def _ordinal(day: date | None, unknown: int) -> int:
    return unknown if day is None else day.toordinal()


def _groups(row: Mapping[str, Any]) -> Iterable[tuple[tuple[str, str], int, int]]:
    for code, since, until, _ in row["memberships"]:
        yield ("programme", code), _ordinal(since, EVER), NEVER if until is None else until.toordinal() + 1
    for kind, other, since in row["relations"]:
        if kind == RelationKind.EMPLOYER:
            yield ("employer", other), _ordinal(since, EVER), NEVER
        elif kind in FAMILY:
            yield ("family", kind), _ordinal(since, EVER), NEVER
