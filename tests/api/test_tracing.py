"""Traces of served requests: request, operation, queries; and nothing personal in any of them."""

import json

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from api.tracing import query_span

NUMBER = "C20260707"
PAGE = "query Page { customers(first: 5) { nodes { name accounts { nodes { balance } } } } }"


@pytest.fixture
def traced(monkeypatch):
    """Record spans in memory; return a function: those that are about requests, by name."""
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    monkeypatch.setattr("api.tracing.is_on", lambda: True)
    monkeypatch.setattr("api.tracing.TRACER", provider.get_tracer("tests"))

    def spans():
        found = memory.get_finished_spans()
        requests = {span.context.trace_id for span in found if span.name.endswith("/graphql")}
        return [span for span in found if span.context.trace_id in requests]

    yield spans
    provider.shutdown()


async def test_a_request_its_operation_and_its_queries_are_one_trace(server, bearers, traced):
    await server.post(PAGE, bearers.admin)

    *queries, operation, request = traced()
    assert [span.name for span in queries] == ["read", "read"]
    assert {span.parent.span_id for span in queries} == {operation.context.span_id}
    assert operation.parent.span_id == request.context.span_id
    assert (operation.name, request.name, request.parent) == ("query Page", "POST /graphql", None)
    assert dict(operation.attributes) == {"graphql.operation.name": "Page", "graphql.operation.type": "query"}
    assert request.attributes["http.response.status_code"] == 200
    assert "MATCH (c:Customer" in queries[0].attributes["db.query.text"]


async def test_a_trace_goes_on_from_that_of_the_caller(server, bearers, traced):
    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    await server.post(PAGE, bearers.admin, {"traceparent": caller})

    assert {format(span.context.trace_id, "032x") for span in traced()} == {caller.split("-")[1]}
    assert format(traced()[-1].parent.span_id, "016x") == caller.split("-")[2]


async def test_the_log_has_the_id_of_the_trace(server, bearers, traced, log):
    log("json")

    await server.post(PAGE, bearers.admin)

    [line] = map(json.loads, log.lines())
    assert line["trace_id"] == format(traced()[0].context.trace_id, "032x")


async def test_other_paths_are_not_traced(server, traced):
    await server.client.get("/healthz")

    assert traced() == []


async def test_a_failure_is_told_by_its_type_and_nothing_personal_is(server, bearers, traced, monkeypatch):
    async def fail(*_, **__):
        raise ValueError(f"a bad value: {NUMBER}")

    monkeypatch.setattr("neo4j.AsyncDriver.execute_query", fail)

    await server.post(f'query {{ c{NUMBER}: customer(customerNo: "{NUMBER}") {{ name }} }}', bearers.admin)
    await server.post("query ($no: String!) { customer(customerNo: $no) { name } }", bearers.admin, no=NUMBER)

    spans = traced()
    queries = [span for span in spans if span.name == "read"]
    assert len(queries) == 2
    assert {span.attributes["error.type"] for span in queries} == {"ValueError"}
    assert {span.status.status_code for span in queries} == {StatusCode.ERROR}
    assert {span.attributes["guanxi.error.codes"] for span in spans if span.name == "POST /graphql"} == {("INTERNAL",)}
    assert NUMBER not in "".join(span.to_json() for span in spans)


@pytest.mark.usefixtures("traced")
def test_what_the_server_asks_by_itself_is_no_trace():
    with query_span("read", "RETURN 1") as span:
        assert span is None
