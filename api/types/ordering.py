"""The order of a connection, and cursors that hold good in that order alone."""

from collections.abc import Sequence
from datetime import date
from enum import Enum, StrEnum
from typing import Final

import strawberry

from api.errors import ApiError, Code
from api.types.relay import NOT_GIVEN_HERE, Place
from api.vocabularies import described
from graph import ordering
from graph.filters import Column, Value
from graph.ordering import NUMBER, Key, whole

DAYS: Final = frozenset({Column.BIRTH_DATE, Column.JOINED_ON})
UNKNOWN: Final = ""
KNOWN: Final = "="
"""What is unknown and what is known stand apart in a cursor by how they begin."""


@described("Which way an order goes.", ASC="The least first.", DESC="The most first.")
class Direction(Enum):
    """Up or down."""

    ASC = "asc"
    DESC = "desc"


@described(
    "What customers are ordered by; the unknown come last, or first if descending.",
    CUSTOMER_NO="By number.",
    NAME="By name, in any case.",
    KIND="By what they are in law.",
    REGION="By region.",
    BIRTH_DATE="By birth date, the oldest first.",
    JOINED_ON="By their first day as customers.",
    MANAGER_NO="By the number of their manager.",
)
class CustomerOrderField(StrEnum):
    """The keys of an order of customers."""

    CUSTOMER_NO = Column.CUSTOMER_NO
    NAME = Column.NAME_KEY
    KIND = Column.KIND
    REGION = Column.REGION
    BIRTH_DATE = Column.BIRTH_DATE
    JOINED_ON = Column.JOINED_ON
    MANAGER_NO = Column.MANAGER_NO


@strawberry.input(description="One key of an order of customers.")
class CustomerOrder:
    """A field and a direction."""

    field: CustomerOrderField = strawberry.field(description="What is ordered by; names in any case.")
    direction: Direction = strawberry.field(default=Direction.ASC, description="Which way.")


def customer_keys(order_by: Sequence[CustomerOrder]) -> tuple[Key, ...]:
    """Return the keys of an order that tells any two customers apart.

    Raises:
        ApiError: BAD_INPUT where one is named twice.
    """
    refuse_twice([key.field for key in order_by])
    return whole([Key(Column(key.field.value), key.direction is Direction.DESC) for key in order_by] or [NUMBER])


def refuse_twice(fields: Sequence[StrEnum]) -> None:
    """Refuse an order that names a field twice.

    Raises:
        ApiError: BAD_INPUT.
    """
    for field in fields:
        if fields.count(field) > 1:
            raise ApiError(Code.BAD_INPUT, f"Order by {field.name} once.")


def written(keys: Sequence[Key], place: ordering.Place) -> Place:
    """Return what a cursor of this order holds."""
    return (_signature(keys), *(UNKNOWN if value is None else f"{KNOWN}{value}" for value in place))


def read(keys: Sequence[Key], place: Place | None) -> ordering.Place | None:
    """Return the place that a cursor stands for.

    Raises:
        ApiError: BAD_INPUT for a cursor of another order.
    """
    if place is None:
        return None
    signature, *texts = place
    if signature != _signature(keys) or len(texts) != len(keys):
        raise ApiError(Code.BAD_INPUT, NOT_GIVEN_HERE)
    return tuple(_value(key.column, text) for key, text in zip(keys, texts, strict=True))


def _signature(keys: Sequence[Key]) -> str:
    return ",".join(map(str, keys))


def _value(column: Column, text: str) -> Value | None:
    if text == UNKNOWN and column not in ordering.ALWAYS_KNOWN:
        return None
    if not text.startswith(KNOWN):
        raise ApiError(Code.BAD_INPUT, NOT_GIVEN_HERE)
    value = text.removeprefix(KNOWN)
    try:
        return date.fromisoformat(value) if column in DAYS else value
    except ValueError as error:
        raise ApiError(Code.BAD_INPUT, NOT_GIVEN_HERE) from error
