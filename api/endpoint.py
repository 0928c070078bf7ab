"""The GraphQL endpoint: a token, a document, limits, an answer."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry import Schema
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from api.admission import Admission
from api.bodies import GraphQLRequest, Refused, checked, graphql_request, read_json
from api.errors import ApiError, Code, Exceeded
from api.reading import Reading
from api.requests import HttpContext, SocketContext, address_of, client_of
from api.roles import Viewer
from api.session import Services
from api.socket_protocol import Protocol
from api.tokens import TokenRules

RESPONSE_TYPE: Final = "application/graphql-response+json"
STATUSES: Final = {
    Code.UNAUTHENTICATED: 401,
    Code.PERSISTED_QUERY_NOT_FOUND: 200,  # as Apollo's clients want it
    Code.LIMIT_QUERY_BYTES: 413,
    Code.LIMIT_VARIABLES_BYTES: 413,
    Code.LIMIT_CLIENT_RATE: 429,
    Code.LIMIT_TOKEN_RATE: 429,
    Code.LIMIT_CONCURRENT: 429,
    Code.LIMIT_WAITING: 503,
    Code.LIMIT_SECONDS: 504,
}
"""The status of an error that no document was executed for; of the others it is 400."""
INIT_WAIT: Final = timedelta(seconds=15)
MOST_REASON_BYTES: Final = 123  # of a WebSocket's close
PAGE: Final = (Path(__file__).parent / "graphiql" / "index.html").read_text


class GraphQLEndpoint:
    """ASGI application of ``/graphql``, for HTTP and WebSocket."""

    def __init__(
        self,
        schema: Schema,
        services: Services,
        rules: TokenRules,
        reading: Reading,
        *,
        development: bool,
        origins: tuple[str, ...] = (),
    ) -> None:
        self._schema = schema
        self._services = services
        self._rules = rules
        self._reading = reading
        self._admission = Admission(reading.limits)
        self._development = development
        self._sockets = Sockets(schema, services, rules, reading, self._admission, origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or a socket."""
        if scope["type"] == "websocket":
            await self._sockets(scope, receive, send)
            return
        request = Request(scope, receive)
        with suppress(ClientDisconnect):
            response = await self._respond(request)
            if isinstance(response, JSONResponse):
                response.headers["Content-Type"] = _spoken(request)
            await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method not in {"GET", "POST"}:
            return refusal(405, Code.BAD_REQUEST, "Use GET or POST.", {"Allow": "GET, POST"})
        if self._development and _is_browser(request):
            return HTMLResponse(PAGE(encoding="utf-8"))
        try:
            self._admission.check_room()
            bearer = await self._bearer(request)
            asked = self._reading.found(await graphql_request(request))
            async with self._admission.operation(client_of(bearer, address_of(request))):
                return await self._execute(request, asked, HttpContext(self._services, bearer))
        except ApiError as error:
            return _refused(error)
        except Refused as refused:
            code = Code.LIMIT_EXCEEDED if refused.status == 413 else Code.BAD_REQUEST
            return refusal(refused.status, code, str(refused))

    async def _bearer(self, request: Request) -> Viewer | None:
        authorization = request.headers.get("authorization")
        try:
            is_anonymous = authorization is None and self._development
            bearer = None if is_anonymous else await self._rules.viewer(authorization or "")
        except ApiError:
            self._admission.charge(address_of(request))
            raise
        self._admission.charge(client_of(bearer, address_of(request)), authorization)
        return bearer

    async def _execute(self, request: Request, asked: GraphQLRequest, context: HttpContext) -> Response:
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
        return _response(request, result, context)


def refusal(status: int, code: Code, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error that no document was executed for."""
    return _refusal(status, message, {"code": code.value}, headers or {})


def _refusal(status: int, message: str, extensions: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    return JSONResponse({"errors": [{"message": message, "extensions": extensions}]}, status, dict(headers))


def _refused(error: ApiError) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if error.code is Code.UNAUTHENTICATED else {}
    if isinstance(error, Exceeded) and error.retry_after:
        headers["Retry-After"] = str(error.retry_after)
    return _refusal(STATUSES.get(error.code, 400), str(error), error.extensions, headers)


def _response(request: Request, result: ExecutionResult, context: HttpContext) -> Response:
    content: dict[str, Any] = {}
    if result.errors:
        content["errors"] = [error.formatted for error in result.errors]
    before_execution = isinstance(result, PreExecutionError) or (
        result.data is None and all(error.path is None for error in result.errors or ())
    )
    if not before_execution:
        content["data"] = result.data
    extensions = dict(result.extensions or {})
    if context.session.omitted:
        extensions["omittedRecommenders"] = sorted(context.session.omitted)
    if extensions:
        content["extensions"] = extensions
    codes = {error["extensions"].get("code") for error in content.get("errors", ())}
    spoken = _spoken(request)
    status, headers = 200, {}
    if Code.STORE_UNAVAILABLE in codes:
        status, headers = 503, {"Retry-After": "5"}
    elif before_execution and spoken == RESPONSE_TYPE:
        status = 400
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(body, status, headers, media_type=spoken)


def _spoken(request: Request) -> str:
    return RESPONSE_TYPE if RESPONSE_TYPE in request.headers.get("accept", "").lower() else "application/json"


def _is_browser(request: Request) -> bool:
    return (
        request.method == "GET"
        and "query" not in request.query_params
        and "text/html" in request.headers.get("accept", "")
    )


class Socket(ASGIWebSocketAdapter):
    """Closes with a reason that fits, however long what it quotes; a longer one would drop the socket."""

    async def close(self, code: int, reason: str) -> None:
        """Close."""
        await super().close(code, reason.encode()[:MOST_REASON_BYTES].decode(errors="ignore"))


class Sockets(GraphQL[SocketContext, None]):
    """Subscriptions over graphql-transport-ws; the token comes with ``connection_init``."""

    graphql_transport_ws_handler_class = Protocol
    websocket_adapter_class = Socket

    def __init__(
        self,
        schema: Schema,
        services: Services,
        rules: TokenRules,
        reading: Reading,
        admission: Admission,
        origins: tuple[str, ...],
    ) -> None:
        super().__init__(
            schema,
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
        with suppress(Refused):
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
