"""What is told of one operation, wherever it is told: in the log, the metrics and the traces. Nothing personal is."""

import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from api.roles import Role

ANONYMOUS: Final = "anonymous"
INVALID: Final = "invalid"
OTHER: Final = "other"
MOST_NAMES: Final = 100
LONGEST_NAME: Final = 64

current: ContextVar["Operation | None"] = ContextVar("operation", default=None)
"""The operation that an HTTP request is about; sockets have one for each of their messages."""


class Names:
    """Keeps a bound on how many names of operations are told apart; all beyond the first are ``other``."""

    def __init__(self, most: int = MOST_NAMES) -> None:
        self._most = most
        self._known: set[str] = set()

    def bounded(self, name: str) -> str:
        """Return a name, or ``other``."""
        if name in self._known:
            return name
        if len(self._known) >= self._most or len(name) > LONGEST_NAME:
            return OTHER
        self._known.add(name)
        return name


NAMES: Final = Names()


@dataclass(slots=True)
class Operation:
    """An operation, as far as it has come.

    Attributes:
        name: the client's name for it, bounded; ``invalid`` where there is no such operation.
        kind: query, mutation or subscription; None where there is no such operation.
        listens: whether it is a subscription that has begun.
        codes: of the errors that the client was told.
        has_data: whether the client was given any.
        cost: as the answer's extensions tell it.
        status: of HTTP; None over a socket, and where the client left before the response.
    """

    name: str = INVALID
    kind: str | None = None
    role: Role | None = None
    codes: set[str] = field(default_factory=set)
    has_data: bool = False
    listens: bool = False
    cost: Any = None
    status: int | None = None
    started: float = field(default_factory=time.perf_counter)

    @property
    def outcome(self) -> str:
        """``ok``, ``partial`` where there were data and errors, or ``failed``."""
        if not self.codes:
            return "ok"
        return "partial" if self.has_data else "failed"

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.perf_counter() - self.started

    def is_one(self) -> bool:
        """Whether a document, or the refusal of one, is to be told; GraphiQL's page is none."""
        return self.kind is not None or bool(self.codes)

    def named(self, name: str | None, kind: str, role: Role | None) -> None:
        """Take in what the document tells."""
        self.name, self.kind, self.role = NAMES.bounded(name or ANONYMOUS), kind, role

    def answered(self, data: Any, codes: Iterable[str], extensions: Mapping[str, Any] | None) -> None:
        """Take in a result."""
        self.codes.update(codes)
        self.has_data |= isinstance(data, Mapping) and any(value is not None for value in data.values())
        self.cost = (extensions or {}).get("cost", self.cost)


def note_result(data: Any, codes: Iterable[str], extensions: Mapping[str, Any] | None = None) -> None:
    """Tell the operation of this HTTP request, if there is one, of its result."""
    operation = current.get()
    if operation is not None:
        operation.answered(data, codes, extensions)
