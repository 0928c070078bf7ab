"""The failures of a mutation that its caller can mend: typed, in its payload, beside the field they are about."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import wraps
from typing import ParamSpec, TypeVar

import strawberry

from api.vocabularies import described
from graph.errors import KeyReused, VersionConflict

Given = ParamSpec("Given")
Payload = TypeVar("Payload")


@described(
    "What is wrong with an input.",
    NOT_FOUND="It names something that is not there for the viewer.",
    BAD_INPUT="A value cannot be taken.",
    IDEMPOTENCY_KEY_REUSED="The key was sent before, with another input.",
    VERSION_CONFLICT="Somebody else has written since; `currentVersion` is the version that is there.",
    STILL_OPEN="A customer has something open, and is not erased.",
)
class UserErrorCode(StrEnum):
    """``code`` of a ``UserError``."""

    NOT_FOUND = "NOT_FOUND"
    BAD_INPUT = "BAD_INPUT"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    STILL_OPEN = "STILL_OPEN"


@strawberry.type(description="What was wrong with an input. Nothing was recorded.")
class UserError:
    """An expected failure of a mutation."""

    code: UserErrorCode = strawberry.field(description="What kind of failure; programs decide by it.")
    message: str = strawberry.field(description="What was wrong, in a sentence.")
    path: list[str] = strawberry.field(description="The input's field, from `input` down.")
    current_version: int | None = strawberry.field(
        default=None, description="The version that is there, where it is not the one expected."
    )


class Wrong(Exception):
    """An input that a mutation cannot take."""

    def __init__(self, field: str, code: UserErrorCode, message: str, current_version: int | None = None) -> None:
        super().__init__(message)
        self.error = UserError(code=code, message=message, path=["input", field], current_version=current_version)


@contextmanager
def recording() -> Iterator[None]:
    """Raise as ``Wrong`` what the graph refuses to record."""
    try:
        yield
    except KeyReused as error:
        raise Wrong("idempotencyKey", UserErrorCode.IDEMPOTENCY_KEY_REUSED, str(error)) from error
    except VersionConflict as error:
        raise Wrong("expectedVersion", UserErrorCode.VERSION_CONFLICT, str(error), error.current) from error


def typed_errors(
    payload: Callable[..., Payload],
) -> Callable[[Callable[Given, Awaitable[Payload]]], Callable[Given, Awaitable[Payload]]]:
    """Have a mutation answer, where it raises ``Wrong``, with a payload of that error and nothing else."""

    def decorate(mutate: Callable[Given, Awaitable[Payload]]) -> Callable[Given, Awaitable[Payload]]:
        @wraps(mutate)
        async def answered(*args: Given.args, **kwargs: Given.kwargs) -> Payload:
            try:
                return await mutate(*args, **kwargs)
            except Wrong as wrong:
                return payload(errors=[wrong.error])

        return answered

    return decorate
