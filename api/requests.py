"""What resolvers are given: the services, the viewer, and the session to read through."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from strawberry.types import Info

from api.roles import Viewer
from api.session import Services, Session


@dataclass
class HttpContext:
    """One HTTP request: one session, so that each thing is read once."""

    services: Services
    bearer: Viewer | None

    @cached_property
    def session(self) -> Session:
        """The request's session."""
        return Session(self.services, self.bearer)


@dataclass
class StreamContext:
    """One stream of results: a session for every root field, so that a long-lived one never reads what was."""

    services: Services
    bearer: Viewer | None = None

    @property
    def session(self) -> Session:
        """A new session."""
        return Session(self.services, self.bearer)


@dataclass
class SocketContext(StreamContext):
    """One WebSocket, whose viewer comes with its first message."""

    connection_params: dict[str, Any] = field(default_factory=dict)


Asked: TypeAlias = Info[HttpContext | StreamContext, None]
