"""Pages of customers by key, not by offset: an insert or a delete never shifts a reader's place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from graph.customers import FOUND, profile
from graph.records import Customer
from graph.store import Store
from graph.words import CustomerKind

Order: TypeAlias = Literal["customer_no", "name"]
Place: TypeAlias = tuple[str, str]
"""What a cursor holds: the value ordered by, then the customer number."""

PROFILES: Final = f"{FOUND} RETURN properties(c) AS customer"


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """Which customers; what is None does not restrict. ``books`` are of the managers named."""

    customer_no: str | None = None
    books: tuple[str, ...] | None = None
    manager_no: str | None = None
    kind: CustomerKind | None = None
    region: str | None = None
    name_prefix: str | None = None
    programme_code: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """``count`` customers after or before a place, read forward or backward."""

    order: Order = "customer_no"
    descending: bool = False
    after: Place | None = None
    before: Place | None = None
    count: int = 20
    backward: bool = False


def place(customer: Customer, order: Order) -> Place:
    """Return where a customer stands in an order."""
    return (customer.customer_no if order == "customer_no" else customer.name or "", customer.customer_no)


async def profiles(store: Store, customer_nos: Sequence[str]) -> list[Customer]:
    """Return those of the customers that exist, without what hangs on them, in the order asked."""
    rows = await store.read(PROFILES, customer_nos=list(customer_nos))
    return [profile(row["customer"]) for row in rows]


async def page(store: Store, wanted: CustomerFilter, window: Window) -> list[Customer]:
    """Return a window's customers, in the window's order whichever way it is read."""
    conditions, parameters = _conditions(wanted)
    key = "c.customer_no" if window.order == "customer_no" else "coalesce(c.name, '')"
    for name, beyond in (("after", window.after), ("before", window.before)):
        if beyond is not None:
            sign = "<" if (name == "before") != window.descending else ">"
            conditions.append(
                f"({key} {sign} ${name}_value OR ({key} = ${name}_value AND c.customer_no {sign} ${name}_no))"
                if window.order != "customer_no"
                else f"c.customer_no {sign} ${name}_no"
            )
            parameters |= {f"{name}_value": beyond[0], f"{name}_no": beyond[1]}
    direction = "DESC" if window.descending != window.backward else "ASC"
    ordering = ", ".join(f"{part} {direction}" for part in dict.fromkeys((key, "c.customer_no")))
    cypher = f"{_match(wanted, conditions)} RETURN properties(c) AS customer ORDER BY {ordering} LIMIT $count"
    found = [profile(row["customer"]) for row in await store.read(cypher, count=window.count, **parameters)]
    return found[::-1] if window.backward else found


async def count(store: Store, wanted: CustomerFilter) -> int:
    """Return how many customers a filter lets through."""
    conditions, parameters = _conditions(wanted)
    return int((await store.read(f"{_match(wanted, conditions)} RETURN count(c) AS n", **parameters))[0]["n"])


def _match(wanted: CustomerFilter, conditions: Sequence[str]) -> str:
    books = "UNWIND $books AS book MATCH (c:Customer {manager_no: book})"  # ArcadeDB has no index for IN
    return ("MATCH (c:Customer)" if wanted.books is None else books) + (
        " WHERE " + " AND ".join(conditions) if conditions else ""
    )


def _conditions(wanted: CustomerFilter) -> tuple[list[str], dict[str, Any]]:
    conditions: list[str] = []
    parameters: dict[str, Any] = {} if wanted.books is None else {"books": list(wanted.books)}
    for column in ("customer_no", "manager_no", "kind", "region"):
        value = getattr(wanted, column)
        if value is not None:
            conditions.append(f"c.{column} = ${column}")
            parameters[column] = value
    if wanted.name_prefix is not None:
        conditions.append("c.name STARTS WITH $name_prefix")
        parameters["name_prefix"] = wanted.name_prefix
    if wanted.programme_code is not None:
        conditions.append("EXISTS { (c)-[:MEMBER_OF]->(:Programme {programme_code: $programme_code}) }")
        parameters["programme_code"] = wanted.programme_code
    return conditions, parameters
