"""A key that is the thing itself: documents hash and compare by all their nodes, which takes longer than looking up."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True, eq=False)
class Same(Generic[Thing]):
    """Equal to what holds the same thing, not one that equals it."""

    thing: Thing

    def __hash__(self) -> int:
        return id(self.thing)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.thing is self.thing
