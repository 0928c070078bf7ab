"""Whom a viewer's customers are compared with: the book they are in, or who shares something rare with them.

A request never looks at the whole bank: at most 500 of a book, or 100 of each of a customer's three most rarely held
products and of each programme and relation, whichever the store finds first.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from api import access
from api.errors import ApiError, Code
from api.live_engine import LiveEngine
from api.roles import Viewer
from graph import alike
from graph.records import Customer
from graph.store import Store
from recommenders.contract import Context
from recommenders.likeness import Alike, most_alike

MOST_COMPARED: Final = 5
"""Customers in one request whose like are looked for."""
RAREST: Final = 3
MOST_OF_EACH: Final = 100
MOST_OF_BOOK: Final = 500


async def candidates(
    store: Store, live: LiveEngine, viewer: Viewer, customers: Sequence[Customer]
) -> dict[str, set[str]]:
    """Return, by customer, the numbers of those he is compared with.

    Raises:
        ApiError: LIMIT_EXCEEDED.
    """
    if len(customers) > MOST_COMPARED:
        raise ApiError(Code.LIMIT_EXCEEDED, f"Ask for those similar to {MOST_COMPARED} customers at most.")
    if access.is_bound_to_books(viewer):
        managers = {customer.manager_no for customer in customers if customer.manager_no is not None}
        books = {manager_no: set(await alike.book(store, manager_no, MOST_OF_BOOK)) for manager_no in managers}
        return {
            customer.customer_no: books.get(customer.manager_no or "", set()) - {customer.customer_no}
            for customer in customers
        }
    holders = live.holders
    codes = {
        customer.customer_no: sorted(
            {held.product_code for held in customer.holdings if held.closed_on is None},
            key=lambda code: (holders.get(code, 0), code),
        )[:RAREST]
        for customer in customers
    }
    return await alike.companions(store, codes, MOST_OF_EACH)


async def compared(live: LiveEngine, customer: Customer, others: Sequence[Customer], context: Context) -> list[Alike]:
    """Return the others, the most alike first."""
    engine = await live.engine()
    schema = engine.ranker.schema if engine.ranker else None
    return await asyncio.to_thread(most_alike, customer, others, engine.catalogue, context, schema)
