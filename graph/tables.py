"""Reads the graph back as the tables it was loaded from, with what was written since."""

from collections.abc import AsyncIterator
from typing import Final

from graph.imports import rows_of
from graph.store import Row, Store

EMPTY: Final = "MATCH (n) WHERE NOT n:Migration DETACH DELETE n"


async def rows(store: Store, table: str) -> AsyncIterator[Row]:
    """Yield the properties of a table's rows, in no order; the bank's further columns have the prefix ``x_``.

    ``table`` is a key of ``graph.imports.IMPORTS``.
    """
    async for row in store.stream(f"{rows_of(table)} RETURN properties(n) AS own"):
        yield row["own"]


async def empty(store: Store) -> None:
    """Delete all that a bank has put into the graph; its schema stays."""
    await store.write(EMPTY)
