"""What the metrics tell of a served bank, and that nothing of it can grow without end."""

import json
from datetime import date
from types import SimpleNamespace

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from api.gauges import Gauges
from api.metrics import REGISTRY
from api.operations import LONGEST_NAME, OTHER, Names
from api.store_watch import watched
from graph.store import Store
from tests.waiting import until

PAGE = "query Page { customers(first: 5) { nodes { name accounts { nodes { balance } } } } }"
OFFERS = "query Offers { viewer { customer { offers { product { name } } } } }"


@pytest.fixture
def grown():
    """Return a function: by how much a metric has grown since the test began."""
    before = samples()

    def grow(name, **labels):
        key = name, frozenset(labels.items())
        return samples().get(key, 0) - before.get(key, 0)

    return grow


def samples():
    families = text_string_to_metric_families(generate_latest(REGISTRY).decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


async def test_operations_are_counted_by_name_type_and_outcome(server, bearers, grown):
    await server.post("query Mine { viewer { role } }", bearers.anna)
    await server.post("{ viewer { role } }", bearers.anna)
    await server.post('query Half { viewer { role } decision(customerNo: "NO", productCode: "NO") { offered } }', bearers.admin)  # fmt: skip
    await server.post("query None { nothing }", bearers.anna)

    assert grown("guanxi_operations_total", operation="Mine", type="query", outcome="ok") == 1
    assert grown("guanxi_operations_total", operation="anonymous", type="query", outcome="ok") == 1
    assert grown("guanxi_operations_total", operation="None", type="query", outcome="failed") == 1
    assert grown("guanxi_operation_duration_seconds_count", operation="Mine", type="query") == 1
    assert grown("guanxi_http_responses_total", status="200") == 4
    assert grown("guanxi_errors_total", code="BAD_REQUEST") == 1


REFUSALS = {
    "no token": (401, "UNAUTHENTICATED", {"json": {"query": "{ viewer { role } }"}, "headers": {"Authorization": "Bearer x"}}),
    "no document": (200, "BAD_REQUEST", {"json": {"query": "{ "}}),
    "no JSON": (400, "BAD_REQUEST", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    "too large": (413, "LIMIT_EXCEEDED", {"json": {"query": "x" * 200_000}}),
    "a long URL": (414, "LIMIT_EXCEEDED", {"params": {"query": "x" * 40_000}}),
}  # fmt: skip


@pytest.mark.parametrize(("status", "code", "request_"), REFUSALS.values(), ids=REFUSALS)
async def test_what_never_was_an_operation_is_counted_as_invalid(server, bearers, grown, status, code, request_):
    headers = {"Authorization": f"Bearer {bearers.anna}"} | request_.get("headers", {})
    method = "GET" if "params" in request_ else "POST"

    await server.client.request(method, "/graphql", **request_ | {"headers": headers})

    assert grown("guanxi_operations_total", operation="invalid", type="unknown", outcome="failed") == 1
    assert grown("guanxi_http_responses_total", status=str(status)) == 1
    assert grown("guanxi_errors_total", code=code) == 1


async def test_what_fails_unforeseen_is_counted(server, bearers, grown, monkeypatch):
    monkeypatch.setattr("api.endpoint.graphql_request", None)

    await server.post("{ viewer { role } }", bearers.anna)

    assert grown("guanxi_http_responses_total", status="500") == 1
    assert grown("guanxi_errors_total", code="INTERNAL") == 1


async def test_other_paths_are_no_operations(server, grown):
    await server.client.get("/healthz")
    await server.client.get("/graphql", headers={"Accept": "text/html"})

    assert grown("guanxi_operations_total", operation="invalid", type="unknown", outcome="ok") == 0
    assert grown("guanxi_http_responses_total", status="200") == 1


async def test_batches_of_loaders_the_engine_and_the_store_are_measured(server, bearers, grown):
    await server.post(PAGE, bearers.admin)
    assert grown("guanxi_loader_batch_size_sum", loader="accounts") == 5
    assert grown("guanxi_loader_batch_size_count", loader="accounts") == 1
    assert grown("guanxi_store_query_duration_seconds_count", access="read") >= 2

    await server.post(OFFERS, bearers.anna)
    assert grown("guanxi_engine_batch_size_sum") == grown("guanxi_engine_batch_size_count") == 1
    await until(lambda: samples()["guanxi_store_queries_in_flight", frozenset()] == 0)


def test_a_query_is_in_flight_until_it_is_done(grown):
    with watched("write", "RETURN 1"):
        assert grown("guanxi_store_queries_in_flight") == 1
    assert grown("guanxi_store_queries_in_flight") == 0
    assert grown("guanxi_store_query_duration_seconds_count", access="write") == 1


async def test_queries_that_fail_are_counted_by_error(serving, bearers, login, grown):
    async with Store("bolt://127.0.0.1:1", *login[1:], 0) as down, serving(down) as running:
        answer = await running.post("{ products(first: 1) { nodes { name } } }", bearers.admin)

    assert answer.status_code == 503
    assert grown("guanxi_store_errors_total", error="StoreUnavailable") >= 1
    assert grown("guanxi_errors_total", code="STORE_UNAVAILABLE") == 1


async def test_a_subscription_is_open_until_it_ends(server, bearers, grown):
    document = 'subscription Mine { offersChanged(customerNo: "ANNA") { name } }'
    async with server.socket(bearers.anna) as socket:
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": document}}))
        await until(lambda: grown("guanxi_subscriptions_open") == 1)
        assert grown("guanxi_operations_total", operation="Mine", type="subscription", outcome="ok") == 0

    await until(lambda: grown("guanxi_subscriptions_open") == 0)
    assert grown("guanxi_operations_total", operation="Mine", type="subscription", outcome="ok") == 1
    assert grown("guanxi_operation_duration_seconds_count", operation="Mine", type="subscription") == 0


async def test_errors_over_a_socket_are_counted(server, bearers, grown):
    document = 'subscription Theirs { offersChanged(customerNo: "BO") { name } }'
    async with server.socket(bearers.anna) as socket:
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": document}}))
        await socket.recv()

    await until(
        lambda: grown("guanxi_operations_total", operation="Theirs", type="subscription", outcome="failed") == 1
    )
    assert grown("guanxi_errors_total", code="NOT_FOUND") == 1


class Engine:
    """Stands in for an engine whose model and recommender's health the test sets."""

    def __init__(self, host):
        self.host = host
        self.model = None
        self.model_id = "fallback"


async def test_recommenders_plugins_and_the_model_are_looked_at(grown):
    info = SimpleNamespace(name="own", calls=3, failures=1, mean_ms=500.0, state="failing")
    plugin = SimpleNamespace(name="mine", failures=2, state="failing")
    engine = Engine(SimpleNamespace(recommending=SimpleNamespace(infos=lambda: [info]), plugins=[plugin]))
    gauges = Gauges(engine)

    gauges.look()
    info.calls, info.state = 4, "off"
    engine.model, engine.model_id = SimpleNamespace(as_of=date(2026, 6, 30)), "20260701"
    gauges.look()

    now = samples()
    assert grown("guanxi_recommender_calls_total", recommender="own") == 4
    assert grown("guanxi_recommender_seconds_total", recommender="own") == 2
    assert grown("guanxi_recommender_failures_total", recommender="own") == 1
    assert grown("guanxi_plugin_failures_total", plugin="mine") == 2
    assert now["guanxi_recommender_state", frozenset({"recommender": "own", "state": "failing"}.items())] == 0
    assert now["guanxi_recommender_state", frozenset({"recommender": "own", "state": "off"}.items())] == 1
    assert now["guanxi_plugin_state", frozenset({"plugin": "mine", "state": "failing"}.items())] == 1
    assert now["guanxi_model_in_service", frozenset({("model", "fallback")})] == 0
    assert now["guanxi_model_in_service", frozenset({("model", "20260701")})] == 1
    assert now["guanxi_model_as_of_timestamp_seconds", frozenset()] == 1_782_777_600


def test_only_so_many_names_are_told_apart():
    names = Names(most=2)

    assert [names.bounded(name) for name in ("A", "B", "C", "A", "D")] == ["A", "B", OTHER, "A", OTHER]


def test_a_long_name_is_another():
    assert Names().bounded("x" * (LONGEST_NAME + 1)) == OTHER
