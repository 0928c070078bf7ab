"""The order of customers by several keys, and what lies beyond a place in it.

What is unknown comes last, and first where the order is descending, as both stores have it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from graph.filters import Column, Parameters, Value
from graph.records import Customer
from graph.searching import name_key

Place: TypeAlias = tuple[Value | None, ...]
"""What a cursor holds: a customer's values of the order's keys."""

ALWAYS_KNOWN: Final = frozenset({Column.CUSTOMER_NO, Column.NAME_KEY, Column.KIND})


@dataclass(frozen=True, slots=True)
class Key:
    """What is ordered by, and which way."""

    column: Column
    descending: bool = False

    def __str__(self) -> str:
        return f"c.{self.column} {'DESC' if self.descending else 'ASC'}"


NUMBER: Final = Key(Column.CUSTOMER_NO)


def whole(keys: Sequence[Key]) -> tuple[Key, ...]:
    """Return keys that tell any two customers apart: the number is the last."""
    return tuple(keys) if any(key.column is Column.CUSTOMER_NO for key in keys) else (*keys, NUMBER)


def turned(keys: Sequence[Key]) -> tuple[Key, ...]:
    """Return the order read backward."""
    return tuple(Key(key.column, not key.descending) for key in keys)


def place(customer: Customer, keys: Sequence[Key]) -> Place:
    """Return where a customer stands in an order."""
    return tuple(
        name_key(customer.name) if key.column is Column.NAME_KEY else getattr(customer, key.column) for key in keys
    )


def beyond(keys: Sequence[Key], reached: Place, name: str) -> tuple[str, Parameters]:
    """Return the condition on the node ``c`` of what follows a place, and its parameters, which begin with ``name``."""
    parameters = {f"{name}_{n}": value for n, value in enumerate(reached) if value is not None}
    condition = "false"
    for n, (key, value) in reversed([*enumerate(zip(keys, reached, strict=True))]):
        condition = _after(f"c.{key.column}", key, None if value is None else f"${name}_{n}", condition)
    return condition, parameters


def _after(own: str, key: Key, value: str | None, rest: str) -> str:
    """What follows a value of one key, or has that value and meets the rest.

    One bound and no ``OR`` around it is what lets Neo4j read an index in order, and no further than the page.
    """
    if value is None:
        return f"({own} IS NOT NULL OR {rest})" if key.descending else f"({own} IS NULL AND {rest})"
    if key.descending or key.column in ALWAYS_KNOWN:
        return f"({own} {'<=' if key.descending else '>='} {value} AND ({own} <> {value} OR {rest}))"
    return f"({own} IS NULL OR {own} > {value} OR ({own} = {value} AND {rest}))"
