"""Pages of customers by key, not by offset: an insert or a delete never shifts a reader's place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from graph.customers import FOUND, profile
from graph.filters import ALL, Filter, compiled
from graph.ordering import ALWAYS_KNOWN, NUMBER, Key, Place, beyond, turned
from graph.records import Customer
from graph.store import Store

PROFILES: Final = f"{FOUND} RETURN properties(c) AS customer"
PROFILES_IN_BOOKS: Final = f"{FOUND} WHERE c.manager_no IN $books RETURN properties(c) AS customer"


@dataclass(frozen=True, slots=True)
class Window:
    """``count`` customers after or before a place, read forward or backward; the last key tells any two apart."""

    keys: tuple[Key, ...] = (NUMBER,)
    after: Place | None = None
    before: Place | None = None
    count: int = 20
    backward: bool = False


async def profiles(store: Store, customer_nos: Sequence[str], books: Sequence[str] | None = None) -> list[Customer]:
    """Return those of the customers that exist, or of them those of some books, without what hangs on them."""
    scope = {} if books is None else {"books": list(books)}
    rows = await store.read(PROFILES_IN_BOOKS if scope else PROFILES, customer_nos=list(customer_nos), **scope)
    return [profile(row["customer"]) for row in rows]


async def page(store: Store, wanted: Filter, window: Window) -> list[Customer]:
    """Return a window's customers, in the window's order whichever way it is read."""
    condition, parameters = compiled(wanted)
    conditions, parameters = [condition], dict(parameters)
    for name, keys, reached in (("after", window.keys, window.after), ("before", turned(window.keys), window.before)):
        if reached is not None:
            condition, own = beyond(keys, reached, name)
            conditions.append(condition)
            parameters |= own
    if window.after is window.before is None and window.keys[0].column in ALWAYS_KNOWN:
        # Holds for everybody, and lets Neo4j read its index in order.
        conditions.append(f"c.{window.keys[0].column} IS NOT NULL")
    keys = turned(window.keys) if window.backward else window.keys
    cypher = f"{_match(conditions)} RETURN properties(c) AS customer ORDER BY {', '.join(map(str, keys))} LIMIT $count"
    found = [profile(row["customer"]) for row in await store.read(cypher, count=window.count, **parameters)]
    return found[::-1] if window.backward else found


async def count(store: Store, wanted: Filter) -> int:
    """Return how many customers a filter lets through."""
    condition, parameters = compiled(wanted)
    found = await store.read(f"{_match([condition])} RETURN count(c) AS n", **parameters)
    return int(found[0]["n"])


def _match(conditions: Sequence[str]) -> str:
    """The customers who meet conditions; without any, the embedded store counts by a counter."""
    those = " AND ".join(condition for condition in conditions if condition != ALL)
    return f"MATCH (c:Customer) WHERE {those}" if those else "MATCH (c:Customer)"
