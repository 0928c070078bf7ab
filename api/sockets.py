"""Operations over WebSocket, in the protocol graphql-transport-ws; the token comes with ``connection_init``."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from graphql import GraphQLFormattedError
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry import Schema
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import ConnectionInitMessage, SubscribeMessage

from api.bodies import Refused, checked
from api.errors import ApiError, Code, extensions
from api.requests import SocketContext
from api.session import Services
from api.slow_clients import STALLED_SECONDS
from api.strict_json import read_json
from api.tokens import TokenRules

SUBSCRIPTIONS_A_SOCKET: Final = 20
INIT_WAIT: Final = timedelta(seconds=15)
GRACE_SECONDS: Final = 5
"""How long a socket outlives its token, so that its client hears why its streams ended."""
MOST_REASON_BYTES: Final = 123  # of a WebSocket's close


class Protocol(BaseGraphQLTransportWSHandler[SocketContext, None]):
    """Refuses, with a code, what a socket has outlived its token for, or has no room for, and closes it soon after."""

    _ending: asyncio.Task[None] | None = None

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Let the bearer in, until his token expires."""
        await super().handle_connection_init(message)
        if self.connection_acknowledged and self._ending is None:
            self._ending = asyncio.create_task(self._end())

    async def _end(self) -> None:
        if self.context.bearer is not None:
            left = self.context.bearer.expires_at - datetime.now(UTC)
            await asyncio.sleep(left.total_seconds() + GRACE_SECONDS)
            await self.websocket.close(4403, "The token has expired.")

    async def handle_task_exception(self, error: Exception) -> None:
        """Say nothing of a client that is gone or reads no more."""
        if not isinstance(error, WebSocketDisconnected):
            await super().handle_task_exception(error)

    async def shutdown(self) -> None:
        """End all that runs."""
        if self._ending is not None:
            self._ending.cancel()
        await super().shutdown()

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Begin an operation."""
        key, bearer = message["id"], self.context.bearer
        if bearer is not None and bearer.expires_at <= datetime.now(UTC):
            await self._refuse(key, Code.UNAUTHENTICATED, "The token has expired.")
        elif len(self.operations) >= SUBSCRIPTIONS_A_SOCKET and key not in self.operations:
            await self._refuse(
                key, Code.LIMIT_EXCEEDED, f"A socket has {SUBSCRIPTIONS_A_SOCKET} subscriptions at most."
            )
        else:
            await super().handle_subscribe(message)

    async def _refuse(self, key: str, code: Code, message: str) -> None:
        error: GraphQLFormattedError = {"message": message, "extensions": extensions(code)}
        await self.send_message({"id": key, "type": "error", "payload": [error]})


class Socket(ASGIWebSocketAdapter):
    """Closes with a reason that fits, however long what it quotes; a longer one would drop the socket.

    A reader who takes nothing for 20 seconds is given up.
    """

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send."""
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                await super().send_json(message)
        except TimeoutError as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Close."""
        await super().close(code, reason.encode()[:MOST_REASON_BYTES].decode(errors="ignore"))


class Sockets(GraphQL[SocketContext, None]):
    """Subscriptions over graphql-transport-ws; the token comes with ``connection_init``."""

    graphql_transport_ws_handler_class = Protocol
    websocket_adapter_class = Socket

    def __init__(self, schema: Schema, services: Services, rules: TokenRules, origins: tuple[str, ...]) -> None:
        super().__init__(
            schema,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=INIT_WAIT,
            max_subscriptions_per_connection=None,
            allowed_origins=origins,
        )
        self._services = services
        self._rules = rules

    def decode_json(self, data: str | bytes) -> object:
        """Return a message of the protocol; what is none closes the socket with 4400."""
        message = None
        with suppress(ValueError):
            message = read_json(data)
        if not _is_message(message):
            raise json.JSONDecodeError("This is no message of graphql-transport-ws.", "", 0)
        return message

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> SocketContext:  # noqa: ARG002 - strawberry's signature
        """Return the socket's context, without a viewer yet."""
        return SocketContext(self._services)

    async def on_ws_connect(self, context: SocketContext) -> None:
        """Take the token from the payload's ``authorization``; without a valid one the socket is closed."""
        given = {name.lower(): value for name, value in context.connection_params.items()}.get("authorization")
        try:
            context.bearer = await self._rules.viewer(given if isinstance(given, str) else "")
        except ApiError as error:
            raise ConnectionRejectionError from error


def _is_message(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("id", ""), str):
        return False
    if message.get("type") != "subscribe":
        return isinstance(message.get("type"), str)
    try:
        checked(message.get("payload"))
    except Refused:
        return False
    return True
