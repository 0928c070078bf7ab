"""Relay's nodes and connections, over pages read from the store or lists held in memory."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar

import strawberry

from api.costs import COUNT
from api.errors import ApiError, Code
from api.global_ids import decoded, encoded
from api.strict_json import read_json

Item = TypeVar("Item")
Value = TypeVar("Value")
Place: TypeAlias = tuple[str, ...]

PAGE: Final = 20
LONGEST_PAGE: Final = 100
NOT_GIVEN_HERE: Final = "This cursor was not given by this connection."

First: TypeAlias = Annotated[
    int | None,
    strawberry.argument(description="How many, from the start or after a cursor; 20 by default, 100 at most."),
]
After: TypeAlias = Annotated[str | None, strawberry.argument(description="Only what comes after this cursor.")]
Last: TypeAlias = Annotated[
    int | None, strawberry.argument(description="How many, from the end or before a cursor; 100 at most.")
]
Before: TypeAlias = Annotated[str | None, strawberry.argument(description="Only what comes before this cursor.")]


@strawberry.interface(description="Anything with a global id.")
class Node:
    """The interface of all that ``node`` finds."""

    @strawberry.field(description="Global id; opaque, and stable for as long as the thing exists.")
    def id(self) -> strawberry.ID:
        """Each type gives its own."""
        raise NotImplementedError


@strawberry.type(description="Where a page stands among the others.")
class PageInfo:
    """Relay's ``PageInfo``."""

    has_next_page: bool = strawberry.field(description="Whether anything follows this page.")
    has_previous_page: bool = strawberry.field(description="Whether anything precedes this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first edge.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last edge.")


@strawberry.type(description="One item of a page, and its place.")
class Edge(Generic[Item]):
    """Relay's edge."""

    node: Item = strawberry.field(description="The item.")
    cursor: str = strawberry.field(
        description="Its place: a key, not an offset, so inserts and deletes don't shift it."
    )


@strawberry.type(description="A page of items.")
class Connection(Generic[Item]):
    """Relay's connection; the total is counted only when asked for."""

    edges: list[Edge[Item]] = strawberry.field(description="The page's items with their places.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="The page's items.")
    def nodes(self) -> list[Item]:
        """Items without their cursors."""
        return [edge.node for edge in self.edges]

    @strawberry.field(description="How many items there are on all pages; counted when asked for.", directives=[COUNT])
    async def total_count(self) -> int:
        """Count."""
        return await self.count()


@dataclass(frozen=True, slots=True)
class Paging:
    """A page that was asked for, checked."""

    count: int
    backward: bool
    after: Place | None
    before: Place | None

    @classmethod
    def of(cls, first: int | None, after: str | None, last: int | None, before: str | None) -> "Paging":
        """Check the arguments of a connection.

        Raises:
            ApiError: BAD_INPUT.
        """
        if first is not None and last is not None:
            raise ApiError(Code.BAD_INPUT, "Ask for first or for last, not for both.")
        count = first if first is not None else last if last is not None else PAGE
        if not 0 <= count <= LONGEST_PAGE:
            raise ApiError(Code.BAD_INPUT, f"A page has 0 to {LONGEST_PAGE} items, not {count}.")
        return cls(count, last is not None, _place(after), _place(before))


def within(asked: int, most: int, what: str) -> None:
    """Check the length of a plain list.

    Raises:
        ApiError: BAD_INPUT.
    """
    if not 0 <= asked <= most:
        raise ApiError(Code.BAD_INPUT, f"Ask for 0 to {most} {what}, not {asked}.")


def cursor(place: Place) -> str:
    """Return a place as an opaque text."""
    return encoded(json.dumps(place, ensure_ascii=False))


def connection(
    found: Sequence[Value],
    paging: Paging,
    place: Callable[[Value], Place],
    make: Callable[[Value], Item],
    count: Callable[[], Awaitable[int]],
) -> Connection[Item]:
    """Return a page of ``found``, which has one more than was asked for where there are more."""
    more = len(found) > paging.count
    shown = (found[-paging.count :] if paging.count else []) if paging.backward else found[: paging.count]
    edges = [Edge(node=make(value), cursor=cursor(place(value))) for value in shown]
    return Connection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=paging.before is not None if paging.backward else more,
            has_previous_page=more if paging.backward else paging.after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        count=count,
    )


def page_of(
    values: Sequence[Value],
    paging: Paging,
    place: Callable[[Value], Place],
    make: Callable[[Value], Item],
    rank: Callable[[Place], Any] = tuple,
) -> Connection[Item]:
    """Return a page of values held in memory, in the order of their places, or of what ``rank`` makes of these."""

    async def count() -> int:
        return len(values)

    ranked = sorted(((rank(place(value)), value) for value in values), key=lambda pair: pair[0])
    after, before = (rank(reached) if reached is not None else None for reached in (paging.after, paging.before))
    rest = [value for own, value in ranked if (after is None or own > after) and (before is None or own < before)]
    wanted = paging.count + 1
    return connection(rest[-wanted:] if paging.backward else rest[:wanted], paging, place, make, count)


def _place(text: str | None) -> Place | None:
    if text is None:
        return None
    try:
        parts = read_json(decoded(text) or "")
    except ValueError:
        parts = None
    if not isinstance(parts, list) or not parts or not all(isinstance(part, str) for part in parts):
        raise ApiError(Code.BAD_INPUT, NOT_GIVEN_HERE)
    return tuple(parts)
