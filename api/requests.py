"""What resolvers are given: the services, the viewer, and the session to read through."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from starlette.requests import HTTPConnection
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
    address: str
    bearer: Viewer | None = None

    @property
    def client(self) -> str:
        """The client, as limits count it."""
        return client_of(self.bearer, self.address)

    @property
    def session(self) -> Session:
        """A new session."""
        return Session(self.services, self.bearer)


@dataclass
class SocketContext(StreamContext):
    """One WebSocket, whose viewer comes with its first message.

    Attributes:
        held: what is given back when the socket is closed.
    """

    connection_params: dict[str, Any] = field(default_factory=dict)
    held: ExitStack = field(default_factory=ExitStack)

    @property
    def authorization(self) -> str:
        """What stands for the header in the payload of ``connection_init``."""
        given = {name.lower(): value for name, value in self.connection_params.items()}.get("authorization")
        return given if isinstance(given, str) else ""


def address_of(connection: HTTPConnection) -> str:
    """Return where a request or socket comes from."""
    return connection.client.host if connection.client else ""


def client_of(bearer: Viewer | None, address: str) -> str:
    """Return the client, as limits count it: the token's subject, or the address where there is no token."""
    return f"subject {bearer.subject}" if bearer else f"address {address}"


Asked: TypeAlias = Info[HttpContext | StreamContext, None]
