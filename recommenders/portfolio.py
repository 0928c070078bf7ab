"""The bank's whole portfolio on one day, as a sparse matrix: what models learn from.

Memory: about 4 bytes a holding and 4 bytes a customer's cohort; nothing is kept of the rows read.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from graph.words import CustomerKind
from recommenders.catalogue import Catalogue
from recommenders.view import FAMILY

KINDS = tuple(CustomerKind)


@dataclass(frozen=True, slots=True)
class Portfolio:
    """``n`` customers and ``m`` products on ``today``.

    Attributes:
        held: ``(n, m)`` float32, 1 where held.
        kinds: ``(n,)`` position in ``CustomerKind``.
        cohort_keys: the ``c`` groups, as (type, key).
        cohorts: ``(n, c)`` float32, 1 where a customer belongs.
        first, last: range of the known opening days.
    """

    catalogue: Catalogue
    today: date
    held: csr_matrix
    kinds: NDArray[np.int8]
    cohort_keys: tuple[tuple[str, str], ...]
    cohorts: csr_matrix
    first: date | None
    last: date | None

    @property
    def customers(self) -> int:
        """Number of customers."""
        return int(self.held.shape[0])

    @property
    def holdings(self) -> int:
        """Number of holdings."""
        return int(self.held.nnz)


@dataclass(slots=True)
class _Rows:
    """The indices of a sparse matrix that grows row by row."""

    columns: "array[int]" = field(default_factory=lambda: array("i"))
    ends: "array[int]" = field(default_factory=lambda: array("q", [0]))

    def add(self, columns: Iterable[int]) -> None:
        self.columns.extend(sorted(set(columns)))
        self.ends.append(len(self.columns))

    def matrix(self, width: int) -> csr_matrix:
        indices, ends = np.array(self.columns, np.int32), np.array(self.ends, np.int64)
        return csr_matrix((np.ones(len(indices), np.float32), indices, ends), shape=(len(ends) - 1, width))


class PortfolioReader:
    """Builds portfolios of several days from one reading of the graph."""

    def __init__(self, catalogue: Catalogue, today: date) -> None:
        self.catalogue = catalogue
        self.today = today
        self._held, self._cohorts = _Rows(), _Rows()
        self._kinds = array("b")
        self._cohort_index: dict[tuple[str, str], int] = {}
        self._first: date | None = None
        self._last: date | None = None

    def add(self, row: dict[str, Any]) -> None:
        """Take in one customer of ``graph.portfolio.pages``; what is dated after today is not seen."""
        self._kinds.append(KINDS.index(CustomerKind(row["kind"])))
        self._held.add(self._columns(row["holdings"]))
        index = self._cohort_index
        self._cohorts.add(index.setdefault(key, len(index)) for key in self._cohort_keys(row))

    def portfolio(self) -> Portfolio:
        """Return what was read."""
        return Portfolio(
            self.catalogue,
            self.today,
            self._held.matrix(len(self.catalogue)),
            np.array(self._kinds, np.int8),
            tuple(self._cohort_index),
            self._cohorts.matrix(len(self._cohort_index)),
            self._first,
            self._last,
        )

    def _columns(self, holdings: Iterable[tuple[str, date | None, date | None]]) -> Iterable[int]:
        for code, opened, closed in holdings:
            if (opened is None or opened <= self.today) and (closed is None or closed > self.today):
                if opened is not None:
                    self._first = min(self._first or opened, opened)
                    self._last = max(self._last or opened, opened)
                yield self.catalogue.index[code]

    def _cohort_keys(self, row: dict[str, Any]) -> Iterable[tuple[str, str]]:
        for code, since, until in row["memberships"]:
            if (since is None or since <= self.today) and (until is None or until >= self.today):
                yield "programme", code
        for kind, other, since in row["relations"]:
            if since is None or since <= self.today:
                if kind == "employer":
                    yield "employer", other
                elif kind in FAMILY:
                    yield "family", kind
