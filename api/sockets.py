"""Operations over WebSocket, in the protocol graphql-transport-ws; the token comes with ``connection_init``."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

from api.admission import Admission
from api.bodies import Refused, checked
from api.current_schema import CurrentSchema
from api.errors import ApiError
from api.reading import Reading
from api.requests import SocketContext, address_of
from api.session import Services
from api.slow_clients import STALLED_SECONDS
from api.socket_protocol import Protocol
from api.strict_json import read_json
from api.tokens import TokenRules

INIT_WAIT: Final = timedelta(seconds=15)
MOST_REASON_BYTES: Final = 123  # of a WebSocket's close


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

    def __init__(
        self,
        schema: CurrentSchema,
        services: Services,
        rules: TokenRules,
        reading: Reading,
        admission: Admission,
        origins: tuple[str, ...],
    ) -> None:
        super().__init__(
            cast("Any", schema),  # it is asked to stream, no more
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=INIT_WAIT,
            max_subscriptions_per_connection=None,
            allowed_origins=origins,
        )
        self._services = services
        self._rules = rules
        self.reading = reading
        self.admission = admission

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
        return SocketContext(self._services, address_of(request))

    async def on_ws_connect(self, context: SocketContext) -> None:
        """Take the token from the payload's ``authorization``; without a valid one the socket is closed."""
        try:
            context.bearer = await self._rules.viewer(context.authorization)
        except ApiError as error:
            if context.authorization:
                self._services.trail.refuse(context.address)
            self.admission.charge(context.address)
            raise ConnectionRejectionError from error
        self.admission.charge(context.client, context.authorization)
        context.held.enter_context(self.admission.socket(context.client))


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
