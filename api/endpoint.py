"""The GraphQL endpoint: a token, a document, limits, an answer."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from graphql import GraphQLFormattedError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry import Schema
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import SubscribeMessage
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from api.bodies import GraphQLRequest, Refused, checked, graphql_request
from api.errors import ApiError, Code, extensions
from api.negotiation import JSON, RESPONSE, negotiated
from api.operations import note_result
from api.requests import HttpContext, SocketContext
from api.roles import Viewer
from api.session import Services
from api.strict_json import read_json
from api.tokens import TokenRules

SECONDS: Final = 10
SUBSCRIPTIONS_A_SOCKET: Final = 20
INIT_WAIT: Final = timedelta(seconds=15)
MOST_REASON_BYTES: Final = 123  # of a WebSocket's close
PAGE: Final = (Path(__file__).parent / "graphiql" / "index.html").read_text
PAGE_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What GraphiQL may load: its own files, and the styles that its editor writes."""


class GraphQLEndpoint:
    """ASGI application of ``/graphql``, for HTTP and WebSocket."""

    def __init__(
        self, schema: Schema, services: Services, rules: TokenRules, *, development: bool, origins: tuple[str, ...] = ()
    ) -> None:
        self._schema = schema
        self._services = services
        self._rules = rules
        self._development = development
        self._sockets = Sockets(schema, services, rules, origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or a socket."""
        if scope["type"] == "websocket":
            await self._sockets(scope, receive, send)
            return
        request = Request(scope, receive)
        with suppress(ClientDisconnect):
            spoken = negotiated(", ".join(request.headers.getlist("accept")))
            response = await self._respond(request, spoken)
            if isinstance(response, JSONResponse):
                response.headers["Content-Type"] = f"{spoken or JSON}; charset=utf-8"
            await response(scope, receive, send)

    async def _respond(self, request: Request, spoken: str | None) -> Response:
        if request.method not in {"GET", "POST"}:
            return refusal(405, Code.BAD_REQUEST, "Use GET or POST.", {"Allow": "GET, POST"})
        if self._development and _is_browser(request):
            return HTMLResponse(PAGE(encoding="utf-8"), headers={"Content-Security-Policy": PAGE_POLICY})
        if spoken is None:
            return refusal(406, Code.BAD_REQUEST, f"Accept {RESPONSE} or {JSON}.")
        try:
            bearer = await self._bearer(request)
            asked = await graphql_request(request)
            async with asyncio.timeout(SECONDS):
                return await self._execute(request, asked, HttpContext(self._services, bearer), spoken)
        except ApiError as error:
            return refusal(401, error.code, str(error), {"WWW-Authenticate": "Bearer"})
        except Refused as refused:
            return refusal(refused.status, refused.code, str(refused), refused.headers)
        except TimeoutError:
            return refusal(504, Code.TIMEOUT, f"The answer took longer than {SECONDS} seconds.")

    async def _bearer(self, request: Request) -> Viewer | None:
        authorization = request.headers.get("authorization")
        if authorization is None and self._development:
            return None
        return await self._rules.viewer(authorization or "")

    async def _execute(self, request: Request, asked: GraphQLRequest, context: HttpContext, spoken: str) -> Response:
        types = {OperationType.QUERY} if request.method == "GET" else {OperationType.QUERY, OperationType.MUTATION}
        try:
            result = await self._schema.execute(
                asked.query,
                variable_values=asked.variables,
                operation_name=asked.operation_name,
                context_value=context,
                allowed_operation_types=types,
            )
        except CannotGetOperationTypeError:
            named = f" {asked.operation_name!r}" if asked.operation_name else ""
            return refusal(400, Code.BAD_REQUEST, f"The document has no operation{named}.")
        except InvalidOperationTypeError as error:
            message = error.as_http_error_reason(request.method)
            if error.operation_type is OperationType.MUTATION:
                return refusal(405, Code.BAD_REQUEST, message, {"Allow": "POST"})
            return refusal(400, Code.BAD_REQUEST, message)
        return _response(spoken, result, context)


def refusal(status: int, code: Code, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error that no document was executed for."""
    note_result(None, [code])
    return JSONResponse(
        {"errors": [{"message": message, "extensions": extensions(code)}]},
        status_code=status,
        headers=dict(headers or {}),
    )


def _response(spoken: str, result: ExecutionResult, context: HttpContext) -> Response:
    content: dict[str, Any] = {}
    if result.errors:
        content["errors"] = [error.formatted for error in result.errors]
    before_execution = isinstance(result, PreExecutionError) or (
        result.data is None and all(error.path is None for error in result.errors or ())
    )
    if not before_execution:
        content["data"] = result.data
    if context.session.omitted:
        content["extensions"] = {"omittedRecommenders": sorted(context.session.omitted)}
    codes = {error["extensions"].get("code") for error in content.get("errors", ())}
    note_result(content.get("data"), codes, result.extensions)
    status, headers = 200, {}
    if Code.STORE_UNAVAILABLE in codes and not any(value is not None for value in (result.data or {}).values()):
        content.pop("data", None)  # a response that has data must be 200
        status, headers = 503, {"Retry-After": "5"}
    elif before_execution and spoken == RESPONSE:
        status = 400
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(body, status, headers, media_type=f"{spoken}; charset=utf-8")


def _is_browser(request: Request) -> bool:
    return (
        request.method == "GET"
        and "query" not in request.query_params
        and "text/html" in request.headers.get("accept", "")
    )


class Protocol(BaseGraphQLTransportWSHandler[SocketContext, None]):
    """Refuses, with a code, what a socket has outlived its token for, or has no room for."""

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
    """Closes with a reason that fits, however long what it quotes; a longer one would drop the socket."""

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
