"""Operations over server-sent events, as the protocol of graphql-sse has them in its mode of distinct connections."""

import asyncio

import pytest

from api import event_streams, slow_clients, sockets
from api.roles import Role
from tests.waiting import PATIENCE, until

CHANGED = "subscription ($no: String!) { offersChanged(customerNo: $no) { customerNo } }"
CONSENT = 'mutation { setConsent(input: {customerNo: "ANNA", marketing: true}) { errors { code } } }'
ANNA_CHANGED = ("next", {"data": {"offersChanged": {"customerNo": "ANNA"}}})
EVENTS = {"Accept": "text/event-stream"}
MUCH = " ".join(f"a{number}: offers {{ id reasons product {{ id name }} }}" for number in range(30))
CHANGED_MUCH = f'subscription {{ offersChanged(customerNo: "ANNA") {{ {MUCH} }} }}'


@pytest.fixture(autouse=True)
async def nobody_is_left(server):
    """Wait, after each test, until nothing listens for a client that is gone."""
    yield
    await until(lambda: server.changes.listeners == server.interactions.listeners == 0)


@pytest.fixture
def consent(server, bearers):
    return lambda: server.ask(CONSENT, bearers.admin)


async def test_a_customer_is_told_when_his_offers_may_have_changed(server, bearers, consent):
    async with server.listen(CHANGED, bearers.anna, no="ANNA") as stream:
        assert stream.response.status_code == 200
        assert stream.response.headers["content-type"] == "text/event-stream"
        assert await stream.told(consent) == ANNA_CHANGED


async def test_a_subscription_can_be_had_by_get(server, bearers, consent):
    asked = {"query": CHANGED, "variables": '{"no": "ANNA"}'}
    headers = EVENTS | {"Authorization": f"Bearer {bearers.anna}"}
    async with server.client.stream("GET", "/graphql", params=asked, headers=headers) as response:
        assert await server.reader(response).told(consent) == ANNA_CHANGED


@pytest.mark.parametrize(
    ("query", "result"),
    [
        ("{ viewer { role } }", {"data": {"viewer": {"role": "CUSTOMER"}}}),
        (
            'mutation { setConsent(input: {customerNo: "BO", marketing: true}) { errors { code } } }',
            {"data": {"setConsent": {"errors": [{"code": "NOT_FOUND"}]}}},
        ),
    ],
)
async def test_what_has_one_result_is_told_it_and_is_complete(server, bearers, query, result):
    async with server.listen(query, bearers.anna) as stream:
        assert [await stream.hear() for _ in range(3)] == [("next", result), ("complete", None), None]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "BAD_REQUEST"),
        ("{ nope }", "BAD_REQUEST"),
        ("query A { __typename } query B { __typename }", "BAD_REQUEST"),
        ("fragment F on Query { __typename }", "BAD_REQUEST"),
        ("{ " + "__typename " * 51 + "}", "LIMIT_REPEATS"),
    ],
)
async def test_a_document_that_cannot_be_executed_is_told_so(server, bearers, query, code):
    async with server.listen(query, bearers.anna) as stream:
        name, told = await stream.hear()
        assert (name, [*told]) == ("next", ["errors"])
        assert {error["extensions"]["code"] for error in told["errors"]} == {code}
        assert await stream.hear() == ("complete", None)


async def test_a_mutation_by_get_is_refused(server, bearers):
    headers = EVENTS | {"Authorization": f"Bearer {bearers.admin}"}
    told = (await server.client.get("/graphql", params={"query": CONSENT}, headers=headers)).text

    assert '"message": "mutations are not allowed"' in told
    assert '"code": "BAD_REQUEST"' in told


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer forged"}, {"Authorization": ""}])
async def test_without_a_good_token_there_is_no_stream(server, headers):
    response = await server.client.post("/graphql", json={"query": "{ __typename }"}, headers=EVENTS | headers)

    assert response.status_code == 401
    assert response.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_a_stream_ends_with_its_token(server, rules):
    async with server.listen(CHANGED, rules.issue(Role.CUSTOMER, "ANNA", hours=2 / 3600), no="ANNA") as stream:
        name, told = await stream.hear()
        assert (name, told["data"]) == ("next", None)
        assert [error["extensions"] for error in told["errors"]] == [{"code": "UNAUTHENTICATED"}]
        assert [await stream.hear() for _ in range(2)] == [("complete", None), None]


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("text/event-stream", "text/event-stream"),
        ("text/event-stream, multipart/mixed", "text/event-stream"),
        ("text/event-stream, application/json", "text/event-stream"),
        ("application/json, text/event-stream", "application/json"),
        ("application/graphql-response+json, text/event-stream", "application/graphql-response+json"),
        ("*/*, text/event-stream", "application/json"),
        ("text/event-streams", "application/json"),
    ],
)
async def test_events_are_for_those_who_name_them_first(server, bearers, accept, media):
    response = await server.post("{ __typename }", bearers.anna, {"Accept": accept})

    assert response.headers["content-type"].partition(";")[0] == media


async def test_a_quiet_stream_has_a_heart_that_beats(server, bearers, monkeypatch):
    assert event_streams.HEARTBEAT_SECONDS == 15
    monkeypatch.setattr(event_streams, "HEARTBEAT_SECONDS", 0.05)

    async with server.listen(CHANGED, bearers.anna, no="ANNA") as stream:
        assert [await stream.hear() for _ in range(3)] == [(None, "heartbeat")] * 3


async def test_who_goes_is_listened_for_no_more(server, bearers):
    async with server.listen(CHANGED, bearers.anna, no="ANNA"):
        await until(lambda: server.changes.listeners == 1)

    await until(lambda: server.changes.listeners == 0)


@pytest.mark.parametrize("transport", ["events", "socket"])
async def test_who_reads_nothing_is_given_up(server, bearers, monkeypatch, consent, deaf, transport):
    for module in (slow_clients, sockets):
        monkeypatch.setattr(module, "STALLED_SECONDS", 0.5)

    async with deaf(server, transport, bearers.anna, CHANGED_MUCH):
        await until(lambda: server.changes.listeners == 1)
        async with asyncio.timeout(PATIENCE):
            while server.changes.listeners:
                await consent()
