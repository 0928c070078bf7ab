"""The filters of single fields, by what the field holds. What is left out, or null, does not restrict."""

import operator
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Final, Generic, TypeVar

import strawberry

from api.errors import ApiError, Code
from graph.filters import Operator, Value

Kind = TypeVar("Kind")

DEEPEST: Final = 5
LARGEST: Final = 200
WHAT_IS_SAID: Final = (
    "All that is said must hold; what is left out, or null, does not restrict. At most 5 levels, and 200 values and "
    "filters within it."
)

COMPARES: Final[dict[Operator, Callable[[Any, Any], bool]]] = {
    Operator.EQ: operator.eq,
    Operator.IN: lambda value, wanted: value in wanted,
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
    Operator.STARTS_WITH: str.startswith,
}


class Operators:
    """What the filters of fields have in common: each of their own fields is an operator."""

    def comparisons(self) -> Iterator[tuple[Operator, Value | tuple[Value, ...]]]:
        """Yield what a value has to meet."""
        for name, wanted in vars(self).items():
            if wanted is not None and name != "is_null":
                yield Operator[name.rstrip("_").upper()], tuple(wanted) if isinstance(wanted, list) else wanted

    def lets(self, value: Value | None) -> bool:
        """Whether a value meets all of it."""
        wanted_null = getattr(self, "is_null", None)
        if wanted_null is not None and wanted_null is not (value is None):
            return False
        return all(value is not None and COMPARES[how](value, wanted) for how, wanted in self.comparisons())

    @property
    def size(self) -> int:
        """How many values are compared with."""
        return sum(len(wanted) if isinstance(wanted, tuple) else 1 for _, wanted in self.comparisons())


class Nesting:
    """What the filters of whole things have in common: conditions on fields, and filters within."""

    def refuse_too_large(self) -> None:
        """Refuse a filter that is too deep, or has too many filters and values in it.

        Raises:
            ApiError: BAD_INPUT.
        """
        if self._size(1) > LARGEST:
            raise ApiError(Code.BAD_INPUT, f"A filter has {LARGEST} values and filters within it at most.")

    def _size(self, level: int) -> int:
        if level > DEEPEST:
            raise ApiError(Code.BAD_INPUT, f"A filter has {DEEPEST} levels at most.")
        return sum(_size_of(own, level) for own in vars(self).values())


def _size_of(own: object, level: int) -> int:
    match own:
        case None:
            return 0
        case Operators():
            return own.size
        case Nesting():
            return 1 + own._size(level + 1)
        case list():
            return sum(_size_of(each, level) for each in own)
        case _:
            return 1


def _eq() -> Any:
    return strawberry.field(default=None, description="Is this.")


def _in() -> Any:
    return strawberry.field(default=None, name="in", description="Is one of these; none where the list is empty.")


def _bound(description: str) -> Any:
    return strawberry.field(default=None, description=description)


def _is_null() -> Any:
    return strawberry.field(default=None, description="Is unknown, or where false, is known.")


@strawberry.input(description="Texts, compared letter by letter.")
class TextCondition(Operators):
    """A filter of texts."""

    eq: str | None = _eq()
    in_: list[str] | None = _in()
    starts_with: str | None = strawberry.field(default=None, description="Starts with this; case counts.")
    gte: str | None = _bound("Is this or comes after it in the store's order of texts.")
    gt: str | None = _bound("Comes after this in the store's order of texts.")
    lte: str | None = _bound("Is this or comes before it in the store's order of texts.")
    lt: str | None = _bound("Comes before this in the store's order of texts.")
    is_null: bool | None = _is_null()


@strawberry.input(description="Days.")
class DateCondition(Operators):
    """A filter of days."""

    eq: date | None = _eq()
    in_: list[date] | None = _in()
    gte: date | None = _bound("Is this day or later.")
    gt: date | None = _bound("Is later than this day.")
    lte: date | None = _bound("Is this day or earlier.")
    lt: date | None = _bound("Is earlier than this day.")
    is_null: bool | None = _is_null()


@strawberry.input(description="Yes or no.")
class BooleanCondition(Operators):
    """A filter of yes and no."""

    eq: bool | None = _eq()
    is_null: bool | None = _is_null()


@strawberry.input(description="Words of a closed list.")
class Condition(Operators, Generic[Kind]):
    """A filter of an enum's values; GraphQL has one type for each enum."""

    eq: Kind | None = _eq()
    in_: list[Kind] | None = _in()
    is_null: bool | None = _is_null()
