"""The GraphQL endpoint: a token, a document, limits, an answer."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from api.admission import Admission
from api.bodies import GraphQLRequest, Refused, graphql_request
from api.current_schema import CurrentSchema
from api.errors import ApiError, Code, Exceeded, extensions
from api.event_streams import EventStream, wants_events
from api.negotiation import JSON, RESPONSE, negotiated
from api.operations import note_result
from api.reading import Reading
from api.requests import HttpContext, StreamContext, address_of, client_of
from api.roles import Viewer
from api.schema import is_subscription
from api.session import Services
from api.sockets import Sockets
from api.tokens import TokenRules

STATUSES: Final = {
    Code.UNAUTHENTICATED: 401,
    Code.PERSISTED_QUERY_NOT_FOUND: 200,  # as Apollo's clients want it
    Code.LIMIT_QUERY_BYTES: 413,
    Code.LIMIT_VARIABLES_BYTES: 413,
    Code.LIMIT_CLIENT_RATE: 429,
    Code.LIMIT_TOKEN_RATE: 429,
    Code.LIMIT_CONCURRENT: 429,
    Code.LIMIT_WAITING: 503,
    Code.LIMIT_WAITING_SECONDS: 503,
    Code.LIMIT_SECONDS: 504,
}
"""The status of an error that no document was executed for; of the others it is 400."""
PAGE: Final = (Path(__file__).parent / "graphiql" / "index.html").read_text
PAGE_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What GraphiQL may load: its own files, and the styles that its editor writes."""


class GraphQLEndpoint:
    """ASGI application of ``/graphql``, for HTTP and WebSocket."""

    def __init__(
        self,
        schema: CurrentSchema,
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
        streams = wants_events(request)
        if spoken is None and not streams:
            return refusal(406, Code.BAD_REQUEST, f"Accept {RESPONSE} or {JSON}.")
        try:
            self._admission.check_room()
            bearer = await self._bearer(request)
            asked = self._reading.found(await graphql_request(request))
            if streams:
                return self._stream(request, asked, bearer)
            async with self._admission.operation(client_of(bearer, address_of(request))):
                return await self._execute(request, asked, HttpContext(self._services, bearer), spoken or JSON)
        except ApiError as error:
            return _refused(error)
        except Refused as refused:
            return refusal(refused.status, refused.code, str(refused), refused.headers)

    async def _bearer(self, request: Request) -> Viewer | None:
        authorization = request.headers.get("authorization")
        try:
            is_anonymous = authorization is None and self._development
            bearer = None if is_anonymous else await self._rules.viewer(authorization or "")
        except ApiError:
            if authorization is not None:
                self._services.trail.refuse(address_of(request))
            self._admission.charge(address_of(request))
            raise
        self._admission.charge(client_of(bearer, address_of(request)), authorization)
        return bearer

    def _stream(self, request: Request, asked: GraphQLRequest, bearer: Viewer | None) -> Response:
        context = StreamContext(self._services, address_of(request), bearer)
        listens = is_subscription(asked.query, asked.operation_name, self._reading.limits.tokens)
        place = self._admission.place(context.client, listens=listens)
        return EventStream(self._schema, request.method, asked, context, place)

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
    return _refusal(status, message, extensions(code), headers or {})


def _refusal(status: int, message: str, told: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    note_result(None, [told["code"]])
    return JSONResponse({"errors": [{"message": message, "extensions": told}]}, status, dict(headers))


def _refused(error: ApiError) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if error.code is Code.UNAUTHENTICATED else {}
    if isinstance(error, Exceeded) and error.retry_after:
        headers["Retry-After"] = str(error.retry_after)
    return _refusal(STATUSES.get(error.code, 400), str(error), error.extensions, headers)


def _response(spoken: str, result: ExecutionResult, context: HttpContext) -> Response:
    content: dict[str, Any] = {}
    if result.errors:
        content["errors"] = [error.formatted for error in result.errors]
    before_execution = isinstance(result, PreExecutionError) or (
        result.data is None and all(error.path is None for error in result.errors or ())
    )
    if not before_execution:
        content["data"] = result.data
    told = dict(result.extensions or {})
    if context.session.omitted:
        told["omittedRecommenders"] = sorted(context.session.omitted)
    if told:
        content["extensions"] = told
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
