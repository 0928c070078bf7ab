"""Shows customers so that no product is decided by data that may not serve it.

The general pass is over everybody, without any confined data, and comes first. For products that some confined kinds
may serve, a pass of their own follows over those who have such data, with it and without all else that is confined;
of what it finds only these products' columns count. Who has none of it is in no further pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from graph.records import Customer
from recommenders.batch import Batch, withheld
from recommenders.catalogue import Catalogue
from recommenders.contract import Candidates, Context, Reason
from recommenders.insight import Tell
from recommenders.purposes import kinds_in, words_of
from recommenders.view import CustomerView

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Further:
    """Customers at some rows of the whole batch, for the products of some columns."""

    batch: Batch
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Passes:
    """Customers as they may be seen.

    Attributes:
        whole: with everything that is known, for the bank's own gates.
        general: for all products, and for learnt models.
        further: for some customers and products, beside the general one.
        confined: of each customer, the confined kinds of data that there are of him.
        withheld: of each customer, the kinds that there are of him and that he lets serve no product.
    """

    records: Sequence[Customer]
    whole: Batch
    general: Batch
    further: tuple[Further, ...]
    confined: tuple[frozenset[str], ...]
    withheld: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, records: Sequence[Customer], catalogue: Catalogue, context: Context, tell: Tell | None = None) -> Self:
        """Look at records on the context's day; ``tell`` says of the general pass what is known beside products.

        The other passes are told the same.
        """
        kinds = catalogue.limits.kinds
        confined = tuple(kinds_in(record, kinds) for record in records)
        of_no_use = tuple(kinds_in(record, withheld(record, context.today)) for record in records)
        if not any(confined) and not any(of_no_use):
            whole = Batch.whole(records, catalogue, context, tell)
            return cls(records, whole, whole, (), confined, of_no_use)
        general = Batch.of(records, catalogue, context, tell=tell)
        told = (lambda rows: general.telling(rows)) if tell else (lambda _: None)
        further = tuple(
            Further(
                Batch.of([records[row] for row in rows], catalogue, context, kinds - seen, told(rows)),
                np.array(rows),
                columns,
            )
            for seen, columns in _groups(catalogue)
            if (rows := [row for row, own in enumerate(confined) if not seen.isdisjoint(own)])
        )
        whole = Batch.whole(records, catalogue, context, told(range(len(records))))
        return cls(records, whole, general, further, confined, of_no_use)

    @property
    def batches(self) -> tuple[Batch, ...]:
        """The batch of each pass, in the order in which they must be looked at."""
        return self.general, *(further.batch for further in self.further)

    def joined(self, found: Sequence[NDArray[T]]) -> NDArray[T]:
        """Put ``(n, m)`` together from what was found in each pass."""
        if not self.further:
            return found[0]
        joined = np.array(found[0])
        for further, part in zip(self.further, found[1:], strict=True):
            joined[np.ix_(further.rows, further.columns)] = part[:, further.columns]
        return joined

    def candidates(self, found: Sequence[Candidates]) -> Candidates:
        """Put a recommender's candidates together from those of each pass."""
        if not self.further:
            return found[0]

        def reason(row: int, column: int) -> Reason | None:
            number, own = self._place(row, column)
            return found[number].reason(own, column)

        return Candidates(self.joined([part.scores for part in found]), reason)

    def view(self, row: int, column: int) -> CustomerView:
        """Return a customer as he may be seen for a product."""
        number, own = self._place(row, column)
        return self.batches[number].told[own]

    def is_served(self, row: int, column: int) -> bool:
        """Whether a customer was seen for a product with confined data that may serve it."""
        return self._place(row, column)[0] > 0

    def held_back(self, row: int, column: int) -> frozenset[str]:
        """Return the kinds of data that there are of a customer and that may not serve a product."""
        return (self.confined[row] - self.whole.catalogue.seen[column]) | self.withheld[row]

    def crosses(self, row: int, column: int, reason: Reason) -> bool:
        """Whether a reason's path goes through data that may not serve the product."""
        hidden = self.held_back(row, column)
        return bool(hidden) and not words_of(self.records[row], hidden).isdisjoint(reason.path)

    def _place(self, row: int, column: int) -> tuple[int, int]:
        """The number of the pass that decides of a customer and a product, and his row there."""
        for number, further in enumerate(self.further, 1):
            if column in further.columns and row in further.rows:
                return number, int(np.searchsorted(further.rows, row))
        return 0, row


def _groups(catalogue: Catalogue) -> list[tuple[frozenset[str], NDArray[np.intp]]]:
    """Columns by the confined kinds that may serve them; without those that none may."""
    columns: dict[frozenset[str], list[int]] = {}
    for column, seen in enumerate(catalogue.seen):
        if seen:
            columns.setdefault(seen, []).append(column)
    return [(seen, np.array(those, np.intp)) for seen, those in columns.items()]
