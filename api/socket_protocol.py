"""The protocol of one WebSocket, with the limits that hold for HTTP, too."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from graphql import GraphQLError, GraphQLFormattedError
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message, SubscribeMessage

from api.bodies import Refused, checked
from api.errors import ApiError, Code, Exceeded
from api.requests import SocketContext
from api.schema import is_subscription

if TYPE_CHECKING:
    from api.endpoint import Sockets

TOO_MANY: Final = 4429


class Protocol(BaseGraphQLTransportWSHandler[SocketContext, None]):
    """Refuses, with a code, what a socket has outlived its token for, or what is beyond a limit."""

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
            async with self._place(operation):
                await super().run_operation(operation)
        except Exceeded as error:
            await operation.send_initial_errors([GraphQLError(str(error), extensions=error.extensions)])

    async def shutdown(self) -> None:
        """Give back the socket's place."""
        await super().shutdown()
        self.context.held.close()

    @property
    def _sockets(self) -> "Sockets":
        return cast("Sockets", self.view)

    @asynccontextmanager
    async def _place(self, operation: Operation[SocketContext, None]) -> AsyncIterator[None]:
        admission, client = self._sockets.admission, self.context.client
        if is_subscription(operation.query, operation.operation_name, self._sockets.reading.limits.tokens):
            with admission.subscription(client):
                yield
        else:
            async with admission.operation(client):
                yield
