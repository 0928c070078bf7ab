"""Erases a customer from the graph and from the lists that are kept beside it."""

import asyncio
from pathlib import Path

from graph import erasures
from graph.erasures import Erasure, Order
from graph.store import Store
from recommenders import prospect_lists


async def erase(store: Store, models: Path, order: Order, secret: str) -> Erasure:
    """Erase a customer, and return the proof; what a crash leaves half done is finished by the next call.

    Raises as ``graph.erasures.erase`` does, and
        ModelError: he is erased, but the lists are broken.
    """
    erased = await erasures.erase(store, order, secret)
    await asyncio.to_thread(prospect_lists.forget, models, [order.customer_no])
    return erased
