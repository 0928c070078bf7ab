"""Customers of one decision, as arrays: rows are customers, columns the catalogue's products."""

from collections.abc import Callable, Collection, Hashable, Sequence
from datetime import date
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graph.records import Customer, Product
from graph.words import CustomerKind, Purpose
from recommenders.catalogue import Catalogue
from recommenders.contract import Context, Mask
from recommenders.insight import Insight, Tell
from recommenders.purposes import BEHAVIOUR, without
from recommenders.read_only import ReadOnly, sealed
from recommenders.view import CustomerView

if TYPE_CHECKING:
    from recommenders.frames import Frames


def withheld(record: Customer, day: date) -> frozenset[str]:
    """Return the kinds of data that may shape no offer, as the customer had objected to profiling by that day."""
    if all(said.purpose is not Purpose.PROFILING for said in record.consents):
        return frozenset()
    return frozenset() if CustomerView(record, day).consents_to(Purpose.PROFILING) else BEHAVIOUR


class Batch(ReadOnly):
    """``n`` customers, ``m`` products, and the circumstances of the request. Stability: plugin API.

    ``seen_by`` keeps the batch as it is seen by permissions, for ``recommenders.sight``; ``tell`` says what is known of
    its customers beside products, once somebody asks who may know.

    Attributes:
        customers: its rows.
        catalogue: the bank's products, its columns.
        context: ``today``, the ``channel`` the customers are met on, if any, and how many offers are asked for.
    """

    customers: tuple[CustomerView, ...]
    catalogue: Catalogue
    context: Context
    seen_by: "dict[Hashable, Batch]"
    _tell: Tell | None

    def __init__(
        self, customers: Sequence[CustomerView], catalogue: Catalogue, context: Context, tell: Tell | None = None
    ) -> None:
        own: dict[str, object] = {"customers": tuple(customers), "catalogue": catalogue, "context": context}
        self.__dict__.update(own, seen_by={}, _tell=tell)

    @classmethod
    def of(
        cls,
        records: Sequence[Customer],
        catalogue: Catalogue,
        context: Context,
        hidden: Collection[str] | None = None,
        tell: Tell | None = None,
    ) -> "Batch":
        """Make a batch of records, seen on the context's day without some kinds of data: all that are confined.

        So it may serve any product, and be learnt from. Whoever hides less answers for what it serves. Of who objected
        to profiling no behaviour is seen.
        """
        kinds = frozenset(catalogue.limits.kinds if hidden is None else hidden)
        today = context.today
        seen = [without(record, kinds | withheld(record, today)) for record in records]
        return cls([CustomerView(record, today, context.channel) for record in seen], catalogue, context, tell)

    @classmethod
    def whole(
        cls, records: Sequence[Customer], catalogue: Catalogue, context: Context, tell: Tell | None = None
    ) -> "Batch":
        """Make a batch of records with everything that is known on the context's day."""
        seen = [CustomerView(record, context.today, context.channel) for record in records]
        return cls(seen, catalogue, context, tell)

    def at(self, row: int) -> "Batch":
        """Return the batch of one of the customers."""
        return self.take([row])

    def take(self, rows: Sequence[int]) -> "Batch":
        """Return the batch of some of the customers."""
        customers = [self.customers[row] for row in rows]
        return Batch(customers, self.catalogue, self.context, self._tell and self.telling(rows))

    def telling(self, rows: Sequence[int]) -> Tell:
        """Return what says of some of the customers, in a batch of their own, what this one does."""
        return lambda _: [self.insights[row] for row in rows]

    @cached_property
    def insights(self) -> Sequence[Insight]:
        """What is known of each customer beside products, found of all at once."""
        return self._tell(self) if self._tell else [Insight(customer.customer_no) for customer in self.customers]

    @property
    def told(self) -> Sequence[CustomerView]:
        """The customers, each with what gives his insight when it is asked for."""
        if self._tell is None:
            return self.customers
        return [customer.telling(partial(self._insight, row)) for row, customer in enumerate(self.customers)]

    def _insight(self, row: int) -> Insight:
        return self.insights[row]

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Number of customers and of products."""
        return len(self.customers), len(self.catalogue)

    @cached_property
    def held(self) -> Mask:
        """``(n, m)``: held today."""
        return sealed(self._marks(lambda customer: [holding.product_code for holding in customer.holdings]))

    @cached_property
    def frames(self) -> "Frames":
        """The batch as polars frames, made when they are asked for."""
        from recommenders.frames import Frames

        return Frames(self.customers)

    @cached_property
    def ages(self) -> NDArray[np.float64]:
        """``(n,)`` years; nan where unknown."""
        return sealed(self.per_customer(lambda customer: np.nan if customer.age is None else customer.age))

    @cached_property
    def churn(self) -> NDArray[np.float64]:
        """``(n,)`` chances of being lost; nan where unknown."""
        scores = [customer.scores.churn for customer in self.customers]
        return sealed(np.array([np.nan if churn is None else churn.probability for churn in scores], np.float64))

    @cached_property
    def are_persons(self) -> Mask:
        """``(n,)``: a person, not a company or institution."""
        return sealed(np.array([customer.kind is CustomerKind.PERSON for customer in self.customers], np.bool_))

    def per_customer(self, value: Callable[[CustomerView], float]) -> NDArray[np.float64]:
        """``(n,)``: one number of each customer; nan for unknown."""
        return np.fromiter((value(customer) for customer in self.customers), np.float64, len(self.customers))

    def per_product(self, value: Callable[[Product], float]) -> NDArray[np.float64]:
        """``(m,)``: one number of each product; nan for unknown."""
        return np.fromiter((value(product) for product in self.catalogue), np.float64, len(self.catalogue))

    def _marks(self, codes: Callable[[CustomerView], Sequence[str]]) -> Mask:
        marks = np.zeros(self.shape, np.bool_)
        index = self.catalogue.index
        for row, customer in enumerate(self.customers):
            for code in codes(customer):
                column = index.get(code)
                if column is not None:
                    marks[row, column] = True
        return marks
