"""Spans of a request, its operation and its queries.

No span for each field: a page has hundreds. Names, types and Cypher's constant text are told; documents, variables,
Cypher's parameters and the messages of exceptions are not.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from http import HTTPStatus
from typing import Any, Final

from opentelemetry import propagate, trace
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import Span, SpanKind, StatusCode

from api.operations import Operation

TRACER: Final = trace.get_tracer("guanxi")


class _Headers(Getter[Mapping[str, Any]]):
    """Reads a request's ``traceparent`` from its ASGI scope."""

    def get(self, carrier: Mapping[str, Any], key: str) -> list[str] | None:
        return [value.decode("latin-1") for name, value in carrier["headers"] if name == key.encode()] or None

    def keys(self, carrier: Mapping[str, Any]) -> list[str]:
        return [name.decode("latin-1") for name, _ in carrier["headers"]]


HEADERS: Final = _Headers()


def is_on() -> bool:
    """Whether somebody takes the spans; where nobody does, not even empty ones are made."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def request_span(scope: Mapping[str, Any], operation: Operation) -> AbstractContextManager[None]:
    """Trace a request, as a part of the trace that its headers name."""
    return _request_span(scope, operation) if is_on() else nullcontext()


def operation_span(operation: Operation) -> AbstractContextManager[None]:
    """Trace an operation, whose name is known at its end."""
    return _operation_span(operation) if is_on() else nullcontext()


def query_span(access: str, cypher: str) -> AbstractContextManager[Span | None]:
    """Trace a query to the store that is a part of a trace; those that the server asks by itself are none."""
    told = {"db.system.name": "neo4j", "db.operation.name": access, "db.query.text": cypher}
    is_part = trace.get_current_span().get_span_context().is_valid
    return _span(access, SpanKind.CLIENT, told) if is_part and is_on() else nullcontext()


@contextmanager
def _request_span(scope: Mapping[str, Any], operation: Operation) -> Iterator[None]:
    method = scope["method"] if scope["method"] in {"GET", "POST"} else "_OTHER"
    told = {"http.request.method": method, "http.route": scope["path"]}
    context = propagate.extract(scope, getter=HEADERS)
    with _span(f"{method} {scope['path']}", SpanKind.SERVER, told, context) as span:
        yield
        _tell_codes(span, operation)
        if operation.status is not None:
            span.set_attribute("http.response.status_code", operation.status)
            if operation.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                span.set_status(StatusCode.ERROR)


@contextmanager
def _operation_span(operation: Operation) -> Iterator[None]:
    with _span("graphql", SpanKind.INTERNAL, {}) as span:
        try:
            yield
        finally:
            _tell_codes(span, operation)
            if operation.kind is not None:
                span.update_name(f"{operation.kind} {operation.name}")
                span.set_attribute("graphql.operation.name", operation.name)
                span.set_attribute("graphql.operation.type", operation.kind)


@contextmanager
def _span(name: str, kind: SpanKind, attributes: Mapping[str, str], context: Any = None) -> Iterator[Span]:
    with TRACER.start_as_current_span(
        name, context, kind, dict(attributes), record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise


def _tell_codes(span: Span, operation: Operation) -> None:
    if operation.codes:
        span.set_attribute("guanxi.error.codes", sorted(operation.codes))


def trace_id() -> str | None:
    """Return the id of the trace that is recorded here."""
    span = trace.get_current_span()
    return trace.format_trace_id(span.get_span_context().trace_id) if span.is_recording() else None
