"""What the makers of records share."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from graph.records import Scalar
from graph.store import Row

EXTRA = "x_"
Word = TypeVar("Word", bound=StrEnum)


def attributes(row: Row) -> Mapping[str, Scalar]:
    """Return the columns that the bank's file adds to the format, without their prefix."""
    return {name.removeprefix(EXTRA): value for name, value in row.items() if name.startswith(EXTRA)}


def word(vocabulary: type[Word], value: str | None) -> Word | None:
    """Return the vocabulary's word, or None where nothing is known."""
    return vocabulary(value) if value is not None else None
