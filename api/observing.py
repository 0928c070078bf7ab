"""Observes every operation, by HTTP or over a socket, and tells of it when it is over."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry.extensions import SchemaExtension
from strawberry.types.execution import StreamExecutionResult
from strawberry.types.graphql import OperationType

from api import metrics
from api.logs import log_operation
from api.operations import Operation, current
from api.tracing import operation_span, request_span

PATH: Final = "/graphql"


class Observed:
    """Observes requests of ``/graphql``; sockets are left to ``ObservedOperation``."""

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


class ObservedOperation(SchemaExtension):
    """Notes what a document is. It stands first of the extensions, so that it sees errors as the client does."""

    def on_operation(self) -> Iterator[None]:
        """Note the operation, and tell of it where no request does."""
        outer = current.get()
        self._operation = outer or Operation()
        self._listens = False
        with operation_span(self._operation):
            try:
                yield
            finally:
                self._note()
                if self._listens:
                    metrics.SUBSCRIPTIONS.dec()
                if outer is None:
                    tell(self._operation)

    def on_execute(self) -> Iterator[None]:
        """Note that it listens."""
        if self.execution_context.operation_type is OperationType.SUBSCRIPTION:
            self._listens = True
            metrics.SUBSCRIPTIONS.inc()
        yield

    def _note(self) -> None:
        context = self.execution_context
        with suppress(RuntimeError):  # it cannot be parsed, or is not in the document
            kind = context.operation_type.value
            bearer = context.context.bearer
            self._operation.named(context.operation_name, kind, bearer.role if bearer else None)

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        """Note each result that is streamed."""
        yield
        errors = getattr(result, "errors", None) or ()
        codes = [str((error.extensions or {}).get("code")) for error in errors]
        self._operation.answered(getattr(result, "data", None), codes, getattr(result, "extensions", None))


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
