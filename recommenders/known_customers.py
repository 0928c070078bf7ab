"""The customers of a portfolio as records, for recommenders that learn from more than the portfolio's arrays.

They are read only if one of the recommenders asks for it, or is told what a model says of them; then every customer's
record is kept while training runs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Final

from graph.records import Customer
from recommenders.batch import Batch
from recommenders.contract import Context, Recommender, is_told, learns_from_customers
from recommenders.examples import Load
from recommenders.insight import Tell
from recommenders.portfolio import KINDS, Ledger, Portfolio

PAGE: Final = 1_000


@dataclass(frozen=True)
class KnownCustomers:
    """The records of a ledger's customers, in its order, with all that came after any day."""

    records: Sequence[Customer]

    def beside(self, portfolio: Portfolio, tell: Tell | None = None) -> Portfolio:
        """Return a portfolio of the ledger that gives a batch of its customers on its day, without confined data."""
        return replace(portfolio, make_batch=partial(self._batch, portfolio, tell))

    @cached_property
    def _by_number(self) -> Mapping[str, Customer]:
        return {record.customer_no: record for record in self.records}

    async def load(self, customer_nos: Sequence[str]) -> Sequence[Customer]:
        """Return customers by their numbers, as if they were read."""
        return [self._by_number[number] for number in customer_nos]

    def _batch(self, portfolio: Portfolio, tell: Tell | None) -> Batch:
        records = [self.records[row] for row in portfolio.rows]
        return Batch.of(records, portfolio.catalogue, Context(portfolio.today, channel=None), tell=tell)


async def read_customers(
    load: Load,
    ledger: Ledger,
    recommenders: Sequence[Recommender],
    progress: Callable[[int], None] = lambda _: None,
) -> KnownCustomers | None:
    """Read every customer of a ledger, a page at a time; None where no recommender asks for it.

    Of who was erased since the ledger was read nothing is known but his kind.
    """
    if not any(learns_from_customers(own) or is_told(own) for own in recommenders):
        return None
    records: list[Customer] = []
    for start in range(0, len(ledger.customer_nos), PAGE):
        numbers = ledger.customer_nos[start : start + PAGE]
        found = {record.customer_no: record for record in await load(numbers)}
        kinds = (KINDS[place] for place in ledger.kinds[start : start + PAGE])
        records += [found.get(number) or Customer(number, kind) for number, kind in zip(numbers, kinds, strict=True)]
        progress(len(records))
    return KnownCustomers(records)
