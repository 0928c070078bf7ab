"""Reads the whole portfolio in pages: what training needs of every customer, and no more.

Erased customers count on: by what is nobody's any more, as customers of whom nothing else is known.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from graph import customers
from graph.records import Customer, Holding
from graph.store import Row, Store
from graph.words import CustomerKind

HOLDINGS: Final = "[(c)-[h:HOLDS]->(p:Product) | [p.product_code, h.opened_on, h.closed_on]] AS holdings"
PAGE: Final = f"""
MATCH (c:Customer) WHERE c.customer_no > $after
WITH c ORDER BY c.customer_no LIMIT $count
RETURN c.customer_no AS customer_no, c.kind AS kind, c.joined_on AS joined_on,
  c.region AS region, c.value_tier AS value_tier, c.income AS income,
  {HOLDINGS},
  [(c)-[m:MEMBER_OF]->(g:Programme) | [m.programme_code, m.since, m.until, g.kind]] AS memberships,
  [(c)-[r:RELATED]->(o:Customer) | [r.kind, o.customer_no, r.since]] AS relations
"""
ANONYMOUS_PAGE: Final = f"""
MATCH (c:Anonymous) WHERE c.anonymous_no > $after
WITH c ORDER BY c.anonymous_no LIMIT $count
RETURN c.anonymous_no AS customer_no, c.kind AS kind, null AS joined_on,
  c.region AS region, {HOLDINGS}, [] AS memberships, [] AS relations
"""
ANONYMOUS: Final = f"""
UNWIND $numbers AS number MATCH (c:Anonymous {{anonymous_no: number}})
RETURN c.anonymous_no AS customer_no, c.kind AS kind, c.region AS region, {HOLDINGS}
"""


async def pages(store: Store, count: int = 2_000) -> AsyncIterator[list[Row]]:
    """Yield customers with their profile's few columns, holdings, memberships and relations, a page at a time."""
    for cypher in (PAGE, ANONYMOUS_PAGE):
        after = ""
        while page := await store.read(cypher, after=after, count=count):
            yield page
            after = page[-1]["customer_no"]


async def load(store: Store, numbers: Sequence[str]) -> list[Customer]:
    """Return those that exist of numbers that ``pages`` gave, the erased last; two queries at most."""
    found = await customers.load(store, numbers)
    others = set(numbers) - {customer.customer_no for customer in found}
    rows = await store.read(ANONYMOUS, numbers=sorted(others)) if others else []
    return found + [_anonymous(row) for row in rows]


def _anonymous(row: Row) -> Customer:
    held = sorted(row["holdings"], key=lambda own: (own[0], str(own[1])))
    holdings = tuple(Holding(*own) for own in held)
    return Customer(row["customer_no"], CustomerKind(row["kind"]), region=row["region"], holdings=holdings)
