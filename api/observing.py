"""Observes every operation, by HTTP or over a socket, and tells of it when it is over."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

import strawberry
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry.schema.schema import StreamResult
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType

from api import metrics
from api.logs import log_operation
from api.operations import Operation, current
from api.tracing import operation_span, request_span

PATH: Final = "/graphql"


class Observed:
    """Observes requests of ``/graphql``; sockets are left to ``ObservedSchema``."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self.app(scope, receive, send)
            return
        operation = Operation()

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                operation.status = message["status"]
            await send(message)

        token = current.set(operation)
        try:
            with request_span(scope, operation):
                try:
                    await self.app(scope, receive, noted)
                finally:
                    metrics.RESPONSES.labels(operation.status or "none").inc()
                    tell(operation)
        finally:
            current.reset(token)


class ObservedSchema(strawberry.Schema):
    """Traces what it executes, and tells of what it streams where no request does.

    No extension of strawberry: its hooks cost a small operation more than all else that is observed.
    """

    async def execute(self, *arguments: Any, **options: Any) -> ExecutionResult:
        """Execute an operation of a request."""
        with operation_span(current.get() or Operation()):
            return await super().execute(*arguments, **options)

    async def stream(self, *arguments: Any, **options: Any) -> StreamResult:
        """Execute an operation, and yield its results."""
        return _observed(await super().stream(*arguments, **options))


async def _observed(results: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    outer = current.get()
    operation = outer or Operation()
    current.set(operation)  # of this task, which ends with the stream
    with operation_span(operation):
        try:
            async with aclosing(results):
                async for result in results:
                    codes = [str((error.extensions or {}).get("code")) for error in result.errors or ()]
                    operation.answered(result.data, codes, result.extensions)
                    yield result
        finally:
            if operation.listens:
                metrics.SUBSCRIPTIONS.dec()
            if outer is None:
                tell(operation)


def note_document(context: ExecutionContext) -> None:
    """Tell the operation that is executed here of its document, which was parsed and validated."""
    operation = current.get()
    if operation is None:
        return
    bearer = context.context.bearer
    operation.named(context.operation_name, context.operation_type.value, bearer.role if bearer else None)
    if context.operation_type is OperationType.SUBSCRIPTION and not context.pre_execution_errors:
        operation.listens = True
        metrics.SUBSCRIPTIONS.inc()


def tell(operation: Operation) -> None:
    """Log and count an operation that is over."""
    if not operation.is_one():
        return
    log_operation(operation)
    kind = operation.kind or "unknown"
    metrics.OPERATIONS.labels(operation.name, kind, operation.outcome).inc()
    if operation.kind != OperationType.SUBSCRIPTION.value:
        metrics.OPERATION_SECONDS.labels(operation.name, kind).observe(operation.seconds)
    for code in operation.codes:
        metrics.ERRORS.labels(code).inc()
