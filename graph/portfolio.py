"""Reads the whole portfolio in pages: what training needs of every customer, and no more."""

from collections.abc import AsyncIterator
from typing import Final

from graph.store import Row, Store

PAGE: Final = """
MATCH (c:Customer) WHERE c.customer_no > $after
WITH c ORDER BY c.customer_no LIMIT $count
RETURN c.customer_no AS customer_no, c.kind AS kind, c.joined_on AS joined_on,
  c.region AS region, c.value_tier AS value_tier, c.income AS income,
  [(c)-[h:HOLDS]->(p:Product) | [p.product_code, h.opened_on, h.closed_on]] AS holdings,
  [(c)-[m:MEMBER_OF]->(g:Programme) | [m.programme_code, m.since, m.until, g.kind]] AS memberships,
  [(c)-[r:RELATED]->(o:Customer) | [r.kind, o.customer_no, r.since]] AS relations
"""


async def pages(store: Store, count: int = 2_000) -> AsyncIterator[list[Row]]:
    """Yield customers with their profile's few columns, holdings, memberships and relations, a page at a time."""
    after = ""
    while page := await store.read(PAGE, after=after, count=count):
        yield page
        after = page[-1]["customer_no"]
