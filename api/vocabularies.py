"""Makes an enum a GraphQL one whose every value says what it means."""

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

import strawberry

Word = TypeVar("Word", bound=type[Enum])


def described(description: str, **values: str) -> Callable[[Word], Word]:
    """Return a decorator that gives an enum, and by its name each of its values, a description.

    Raises:
        KeyError: a value has none.
    """

    def register(word: Word) -> Word:
        strawberry.enum(word, description=description)
        for value in word.__strawberry_definition__.values:  # type: ignore[attr-defined]
            value.description = values[value.name]
        return word

    return register
