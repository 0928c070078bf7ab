"""Operations over server-sent events, in graphql-sse's distinct connections mode: a stream for each."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Send
from strawberry.http.streaming import SSETransport, merge_stream_with_heartbeat
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from api.bodies import GraphQLRequest
from api.current_schema import CurrentSchema
from api.errors import Exceeded
from api.requests import StreamContext

HEARTBEAT_SECONDS: Final = 15
EVENT_STREAM: Final = "text/event-stream"
JSON_TYPES: Final = ("application/json", "application/graphql-response+json", "application/*", "*/*")
TRANSPORT: Final = SSETransport()
BY_GET: Final = frozenset({OperationType.QUERY, OperationType.SUBSCRIPTION})
BY_POST: Final = BY_GET | {OperationType.MUTATION}


def wants_events(request: Request) -> bool:
    """Whether a client names ``text/event-stream`` before, or without, JSON."""
    accepted = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")]
    return next((media for media in accepted if media in (EVENT_STREAM, *JSON_TYPES)), None) == EVENT_STREAM


class EventStream(StreamingResponse):
    """The results of one operation: each a ``next``, then ``complete``; between them comments as heartbeats."""

    def __init__(
        self,
        schema: CurrentSchema,
        method: str,
        asked: GraphQLRequest,
        context: StreamContext,
        place: AbstractAsyncContextManager[None],
    ) -> None:
        async def results() -> AsyncGenerator[dict[str, Any], None]:
            async with place:
                found = await schema.stream(
                    asked.query,
                    variable_values=asked.variables,
                    operation_name=asked.operation_name,
                    context_value=context,
                    allowed_operation_types=BY_POST if method == "POST" else BY_GET,
                )
                async with aclosing(found):
                    async for result in found:
                        yield _formatted(result)

        async def events() -> AsyncGenerator[str, None]:
            try:
                async with aclosing(results()) as told:
                    async for content in told:
                        yield TRANSPORT.encode_event("next", json.dumps(content, ensure_ascii=False))
            except Exceeded as error:
                content = {"errors": [{"message": str(error), "extensions": error.extensions}]}
                yield TRANSPORT.encode_event("next", json.dumps(content, ensure_ascii=False))
            yield TRANSPORT.encode_complete()

        beating = merge_stream_with_heartbeat(
            events, lambda: TRANSPORT.encode_comment("heartbeat"), HEARTBEAT_SECONDS, send_initial_heartbeat=False
        )
        self.events = beating()
        self.streams = context.services.streams
        super().__init__(self.events, headers=TRANSPORT.headers)

    async def stream_response(self, send: Send) -> None:
        """Send what comes, as fast as it is read, until it is over, or the server asked to end."""
        async with aclosing(self.events):
            with suppress(TimeoutError):
                async with asyncio.timeout(None) as limit:
                    with self.streams.one_more(limit):
                        await super().stream_response(send)
        if limit.expired():
            await send({"type": "http.response.body"})


def _formatted(result: Any) -> dict[str, Any]:
    content: dict[str, Any] = {} if isinstance(result, PreExecutionError) else {"data": result.data}
    if result.errors:
        content["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        content["extensions"] = result.extensions
    return content
