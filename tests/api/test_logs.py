"""The log: a line for each operation, and nothing personal, whatever is sent and whatever goes wrong."""

import json
import logging

import pytest
from neo4j.exceptions import ConstraintError

from plugins.host import PluginHost
from tests.waiting import until

NUMBER, NAME, PHONE = "C20260707", "Zhang Meili", "13800138000"
PERSONAL = (NUMBER, NAME, "Meili", PHONE, "ANNA", "Anna")


def operations(log):
    """The lines of operations, as JSON."""
    return [line for line in map(json.loads, log.lines()) if line["logger"] == "guanxi.access"]


async def test_an_operation_is_a_line_of_json(server, bearers, log):
    log("json")

    await server.post("query Mine { viewer { role } }", bearers.anna, {"X-Request-ID": "the-one"})

    [line] = operations(log)
    assert line.pop("duration_ms") > 0
    assert line.pop("time").endswith("+00:00")
    assert line.pop("message").startswith("query Mine CUSTOMER 200 ")
    assert line == {
        "level": "info",
        "logger": "guanxi.access",
        "request_id": "the-one",
        "operation": "Mine",
        "type": "query",
        "role": "CUSTOMER",
        "status": 200,
        "cost": {"requested": 1, "most": 20000, "actual": 1},
        "codes": [],
    }


async def test_an_operation_is_a_line_of_text(server, bearers, log):
    log()

    await server.post("query Mine { viewer { role } nothing }", bearers.admin, {"X-Request-ID": "the-one"})

    [line] = log.lines()
    assert " INFO guanxi.access the-one query Mine ADMIN 200 " in line
    assert line.endswith(" ms BAD_REQUEST")


async def test_a_refusal_has_its_line_and_a_probe_has_none(server, log):
    log("json")

    await server.client.get("/healthz")
    await server.client.get("/readyz")
    await server.post("{ viewer { role } }", "no token")

    [line] = operations(log)
    assert (line["operation"], line["type"], line["role"], line["status"], line["codes"]) == (
        "invalid", None, None, 401, ["UNAUTHENTICATED"],
    )  # fmt: skip


async def test_below_info_there_are_no_lines_of_operations(server, bearers, log):
    log("json", "warning")

    await server.post("{ viewer { role } }", bearers.anna)

    assert log.lines() == []


SENT = {
    "a number in variables": ("query ($no: String!) { customer(customerNo: $no) { name } }", {"no": NUMBER}),
    "a number in the document": (f'{{ customer(customerNo: "{NUMBER}") {{ name }} }}', {}),
    "a customer that is there": ('{ customer(customerNo: "ANNA") { customerNo name offers { reasons } } }', {}),
    "a name that is searched": ("query ($n: String!) { customers(search: $n) { totalCount } }", {"n": NAME}),
    "a variable of another type": ("query ($n: Int!) { customers(first: $n) { totalCount } }", {"n": NAME}),
    "a bad global id": ("query ($id: ID!) { node(id: $id) { id } }", {"id": NAME}),
    "a bad cursor": ("query ($c: String!) { customers(after: $c) { totalCount } }", {"c": PHONE}),
    "an alias": (f"{{ c{PHONE}: customer(customerNo: 7) {{ name }} }}", {}),
    "a field": (f"{{ c{PHONE} }}", {}),
    "no syntax": (f'{{ customer(customerNo: "{NUMBER}', {}),
    "a mutation of nobody": (
        "mutation ($in: RecordInteractionInput!) { recordInteraction(input: $in) { errors { code } } }",
        {"in": {"customerNo": NUMBER, "kind": NAME}},
    ),
}


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(("document", "variables"), SENT.values(), ids=SENT)
async def test_what_is_sent_is_not_logged(server, bearers, log, form, document, variables):
    log(form)

    await server.post(document, bearers.admin, **variables)

    assert_discreet(log, 1)


async def test_what_is_no_request_is_not_logged(server, bearers, log):
    log()
    head = {"Authorization": f"Bearer {bearers.admin}", "Content-Type": "application/json"}

    await server.client.post("/graphql", content=f'{{"query": "{NAME}'.encode(), headers=head)
    await server.client.post("/graphql", content=json.dumps([NAME]), headers=head)
    await server.client.get("/graphql", params={"query": NAME, NUMBER: PHONE}, headers=head)

    assert_discreet(log, 3)


async def test_what_sockets_send_is_not_logged(server, bearers, log):
    log()
    document = "subscription ($no: String!) { offersChanged(customerNo: $no) { name } }"
    payload = {"query": document, "variables": {"no": NUMBER}}

    async with server.socket(bearers.admin) as socket:
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        assert NUMBER in await socket.recv()
        await socket.send(NAME)
        await socket.wait_closed()

    await until(lambda: len(log.lines()) == 1)
    assert_discreet(log, 1)


@pytest.mark.parametrize("form", ["text", "json"])
async def test_an_exception_is_told_by_its_places_not_its_message(server, bearers, log, monkeypatch, form):
    async def fail(*_, **__):
        raise ConstraintError(f"`customer_no` = '{NUMBER}'") from ValueError(NAME)

    monkeypatch.setattr(server_store(server), "read", fail)
    log(form)

    await server.post(f"{{ c{PHONE}: products(first: 1) {{ totalCount }} }}", bearers.admin)

    said = "\n".join(log.lines())
    assert "unexpected error in the field" in said
    assert "ConstraintError" in said
    assert "ValueError" in said
    assert "in fail" in said
    assert_discreet(log, 2)


async def test_a_failure_outside_of_operations_is_told_likewise(server, bearers, log, monkeypatch):
    async def fail(_):
        raise KeyError(NAME)

    monkeypatch.setattr("api.endpoint.graphql_request", fail)
    log("json")

    await server.post("{ viewer { role } }", bearers.admin)

    [trouble] = [line for line in map(json.loads, log.lines()) if line["level"] == "error"]
    assert (trouble["error"], trouble["message"]) == ("KeyError", "unexpected error")
    assert_discreet(log, 2)


PLUGIN = """
from guanxi import Proposal, recommender

@recommender("nosy")
def propose(customer, catalogue):
    raise KeyError(f"{customer.customer_no} has no salary")
"""


async def test_what_a_plugin_raises_about_a_customer_is_not_logged(bank, serving, bearers, log, tmp_path):
    (tmp_path / "nosy.py").write_text(PLUGIN)
    log("json")

    async with serving(bank, PluginHost.load([tmp_path])) as running:
        await running.post("{ viewer { customer { offers { id } } } }", bearers.anna)

    messages = [json.loads(line)["message"] for line in log.lines()]
    assert messages.count("recommender nosy failed: KeyError in nosy.py:6") == 1
    assert_discreet(log, 2)


def test_what_other_libraries_quote_below_their_first_line_is_not_logged(log):
    log()
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: %s", NAME)
    assert_discreet(log, 1)


async def test_in_development_an_exception_is_told_whole(server, bearers, log, monkeypatch):
    async def fail(*_, **__):
        raise ValueError(NAME)

    monkeypatch.setattr(server_store(server), "read", fail)
    log(whole=True)

    await server.post("{ products(first: 1) { totalCount } }", bearers.admin)

    assert f"ValueError: {NAME}" in log.lines()


def server_store(server):
    endpoint = server.app.routes[0].app.routes[0].endpoint
    return endpoint._services.store


def assert_discreet(log, least):
    """Something was logged, and nothing personal."""
    lines = log.lines()
    assert len(lines) >= least
    said = "\n".join(lines)
    assert [personal for personal in PERSONAL if personal in said] == []
