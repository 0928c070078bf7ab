"""The protocol of one WebSocket, with the limits that hold for HTTP, too."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from graphql import GraphQLError, GraphQLFormattedError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    SubscribeMessage,
)

from api.bodies import Refused, checked
from api.errors import ApiError, Code, Exceeded
from api.requests import SocketContext
from api.schema import is_subscription

if TYPE_CHECKING:
    from api.sockets import Sockets

TOO_MANY: Final = 4429
GRACE_SECONDS: Final = 5
"""How long a socket outlives its token, so that its client hears why its streams ended."""


class Protocol(BaseGraphQLTransportWSHandler[SocketContext, None]):
    """Refuses, with a code, what is beyond a limit, or what a socket has outlived its token for, and closes it then."""

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

    async def handle_message(self, message: Message) -> None:
        """Heed a message; a socket that is one too many is closed."""
        try:
            await super().handle_message(message)
        except Exceeded as exceeded:
            await self.websocket.close(TOO_MANY, str(exceeded))

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Begin an operation."""
        bearer = self.context.bearer
        if bearer is None or message["id"] in self.operations:
            await super().handle_subscribe(message)
            return
        try:
            if bearer.expires_at <= datetime.now(UTC):
                raise ApiError(Code.UNAUTHENTICATED, "The token has expired.")  # noqa: TRY301 - as the others are told
            self._sockets.admission.charge(self.context.client, self.context.authorization)
            payload = cast("dict[str, Any]", message["payload"])
            payload["query"] = self._sockets.reading.found(checked(payload)).query
        except ApiError as error:
            await self._refuse(message["id"], error)
        except Refused as refused:
            await self._refuse(message["id"], ApiError(Code.BAD_REQUEST, str(refused)))
        else:
            await super().handle_subscribe(message)

    async def _refuse(self, key: str, error: ApiError) -> None:
        told: GraphQLFormattedError = {"message": str(error), "extensions": error.extensions}
        await self.send_message({"id": key, "type": "error", "payload": [told]})

    async def run_operation(self, operation: Operation[SocketContext, None]) -> None:
        """Run an operation in its place."""
        try:
            limits = self._sockets.reading.limits
            listens = is_subscription(operation.query, operation.operation_name, limits.tokens)
            async with self._sockets.admission.place(self.context.client, listens=listens):
                await super().run_operation(operation)
        except Exceeded as error:
            await operation.send_initial_errors([GraphQLError(str(error), extensions=error.extensions)])

    async def shutdown(self) -> None:
        """End all that runs, and give back the socket's place."""
        if self._ending is not None:
            self._ending.cancel()
        await super().shutdown()
        self.context.held.close()

    @property
    def _sockets(self) -> "Sockets":
        return cast("Sockets", self.view)
