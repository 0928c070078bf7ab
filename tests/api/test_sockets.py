import asyncio
import json
from datetime import timedelta

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api import socket_protocol, sockets
from api.app import UVICORN
from api.roles import Role
from tests.waiting import PATIENCE

CHANGED = "subscription ($no: String!) { offersChanged(customerNo: $no) { offers { id product { productCode } } } }"
OFFERS = "query ($no: String!) { customer(customerNo: $no) { offers { id product { productCode } } } }"
DISMISS = """mutation ($id: ID!) { recordOutcome(
    input: {offerId: $id, outcome: DISMISS, channel: MOBILE, idempotencyKey: "once"}) { errors { code } } }"""
REFUSE = 'mutation { setConsent(input: {customerNo: "BO", marketing: false}) { errors { code } } }'
NAME = "{ __typename }"
ORIGIN = "https://app.bank.example"


def subscribe(query, key="1", **payload):
    return {"id": key, "type": "subscribe", "payload": {"query": query, **payload}}


def changes(customer_no, key="1"):
    return subscribe(CHANGED, key, variables={"no": customer_no})


async def say(socket, *messages):
    for message in messages:
        await socket.send(message if isinstance(message, str | bytes) else json.dumps(message))


async def hear(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))


async def closed(socket):
    """The code and reason that a socket is closed with, and nothing said before."""
    with pytest.raises(ConnectionClosed):
        await hear(socket)
    return socket.close_code, socket.close_reason


async def told(socket, act):
    """What a socket tells of an act, which is repeated until it does: a subscription has no sign that it began."""
    hearing = asyncio.create_task(hear(socket))
    while not hearing.done():
        assert [*(await act())["data"].values()] == [{"errors": []}]
        await asyncio.wait([hearing], timeout=0.1)
    return hearing.result()


def products(offers):
    return [offer["product"]["productCode"] for offer in offers]


async def test_a_customer_is_told_when_an_outcome_changed_his_offers(server, bearers):
    before = (await server.ask(OFFERS, bearers.anna, no="ANNA"))["data"]["customer"]["offers"]
    assert products(before) == ["CAMPUS-CARD", "CARD", "AUTOPAY"]

    async with server.socket(bearers.anna) as socket:
        await say(socket, changes("ANNA"))
        message = await told(socket, lambda: server.ask(DISMISS, bearers.manager, id=before[1]["id"]))

    assert (message["id"], message["type"]) == ("1", "next")
    assert "CARD" not in products(message["payload"]["data"]["offersChanged"]["offers"])


async def test_only_he_is_told_whose_consent_changed(server, bearers):
    async with server.socket(bearers.admin) as socket:
        await say(socket, changes("ANNA", "hers"), changes("BO", "his"))

        message = await told(socket, lambda: server.ask(REFUSE, bearers.admin))

    assert (message["id"], message["payload"]["data"]) == ("his", {"offersChanged": {"offers": []}})


async def test_a_stream_ends_with_its_token_and_the_socket_answers_no_more(server, rules):
    async with server.socket(rules.issue(Role.CUSTOMER, "ANNA", hours=3 / 3600)) as socket:
        await say(socket, changes("ANNA"))

        last, end = await hear(socket), await hear(socket)
        assert last["payload"]["data"] is None
        assert [error["extensions"]["code"] for error in last["payload"]["errors"]] == ["UNAUTHENTICATED"]
        assert end == {"id": "1", "type": "complete"}

        await say(socket, subscribe(NAME))
        [error] = (await hear(socket))["payload"]
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_a_socket_is_closed_soon_after_its_token_expired(server, rules, monkeypatch):
    assert socket_protocol.GRACE_SECONDS == 5
    monkeypatch.setattr(socket_protocol, "GRACE_SECONDS", 0.1)

    async with server.socket(rules.issue(Role.CUSTOMER, "ANNA", hours=2 / 3600)) as socket:
        assert await closed(socket) == (4403, "The token has expired.")


async def test_a_socket_is_pinged_and_closed_when_it_does_not_answer(bank, serving, bearers, monkeypatch):
    assert (UVICORN["ws_ping_interval"], UVICORN["ws_ping_timeout"]) == (15, 15)
    monkeypatch.setitem(UVICORN, "ws_ping_interval", 0.2)
    monkeypatch.setitem(UVICORN, "ws_ping_timeout", 1)

    async with serving(bank) as server, server.socket(bearers.anna) as lively, server.socket(bearers.anna) as dead:
        dead.transport.pause_reading()
        await asyncio.sleep(2)
        dead.transport.resume_reading()
        assert await closed(dead) == (1011, "keepalive ping timeout")

        await say(lively, subscribe(NAME))
        assert (await hear(lively))["type"] == "next"


@pytest.mark.parametrize(("who", "whom"), [("anna", "BO"), ("manager", "BO"), ("marketing", "ANNA"), ("admin", "NOBODY")])  # fmt: skip
async def test_nobody_listens_to_a_customer_that_he_may_not_see(server, bearers, who, whom):
    async with server.socket(getattr(bearers, who)) as socket:
        await say(socket, changes(whom))

        message = await hear(socket)
        assert message["payload"]["data"] is None
        assert [error["extensions"]["code"] for error in message["payload"]["errors"]] == ["NOT_FOUND"]
        assert (await hear(socket))["type"] == "complete"


async def test_queries_are_answered_too(server, bearers):
    async with server.socket(bearers.anna) as socket:
        await say(socket, subscribe("{ viewer { role } }"))

        assert (await hear(socket))["payload"]["data"] == {"viewer": {"role": "CUSTOMER"}}


@pytest.mark.parametrize(
    ("document", "operation", "message"),
    [
        ("{", None, "Syntax Error: Expected Name, found <EOF>."),
        ("query A { __typename }", "B" * 200, f'Unknown operation named "{"B" * 200}".'),
        ("query A { __typename } query B { __typename }", None, "Name the operation: the document has several."),
        ("{ nope }", None, "Cannot query field 'nope' on type 'Query'. Did you mean 'node' or 'nodes'?"),
    ],
)
async def test_a_document_that_cannot_be_executed_is_an_error_and_the_socket_stays(
    server, bearers, document, operation, message
):
    async with server.socket(bearers.anna) as socket:
        await say(socket, subscribe(document, operationName=operation), {"type": "ping"})

        heard = {said["type"]: said for said in (await hear(socket), await hear(socket))}
        [error] = heard["error"]["payload"]
        assert (error["message"], error["extensions"]) == (message, {"code": "BAD_REQUEST"})
        assert "pong" in heard


NO_MESSAGE = (4400, "WebSocket message must be valid JSON")


@pytest.mark.parametrize(
    ("frames", "close"),
    [
        *[([frame], NO_MESSAGE) for frame in (
            "", "{", "null", "[]", '"x"', "[" * 90_000, '{"type": 3}', '{"type": "\\ud800"}', '{"type": "subscribe"}',
            '{"type": "complete", "id": null}', '{"type": "subscribe", "id": "1", "payload": null}',
            '{"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}}',
            '{"type": "subscribe", "id": "1", "payload": {"query": 3}}',
            '{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "variables": []}}',
            f'{{"type": "subscribe", "id": "1", "payload": {{"query": "{NAME}", "variables": {{"n": {"9" * 20_000}}}}}}}',
        )],
        (['{"type": "complete"}'], (4400, "Failed to parse message")),
        (['{"type": "subscribe", "payload": {"query": "{ __typename }"}}'], (4400, "Failed to parse message")),
        ([b"\x00"], (4400, "WebSocket message type must be text")),
        (['{"type": "stop"}'], (4400, "Unknown message type: stop")),
        ([{"type": "关" * 200}], (4400, "Unknown message type: " + "关" * 33)),
        ([changes("ANNA", "x" * 200)] * 2, (4409, "Subscriber for " + "x" * 108)),
        ([{"type": "connection_init"}], (4429, "Too many initialisation requests")),
    ],
    ids=lambda given: repr(given)[:60],
)  # fmt: skip
async def test_a_malformed_frame_closes_its_socket_with_a_code_and_no_other(server, bearers, frames, close, capfd):
    async with server.socket(bearers.anna) as other, server.socket(bearers.anna) as socket:
        await say(socket, *frames)
        assert await closed(socket) == close

        await say(other, subscribe(NAME))
        assert (await hear(other))["payload"]["data"] == {"__typename": "Query"}
    assert capfd.readouterr().err == ""


async def test_a_frame_that_is_too_large_closes_its_socket(server, bearers):
    async with server.socket(bearers.anna) as socket:
        await say(socket, "x" * 100_001)

        assert (await closed(socket))[0] == 1009


def forged(rules):
    return rules.issue(Role.ADMIN)[:-2] + "xx"


def expired(rules):
    return rules.issue(Role.ADMIN, hours=-1)


@pytest.mark.parametrize(
    ("first", "close"),
    [
        (lambda rules: {"payload": {"authorization": f"Bearer {forged(rules)}"}}, (4403, "Forbidden")),
        (lambda rules: {"payload": {"authorization": f"Bearer {expired(rules)}"}}, (4403, "Forbidden")),
        (lambda rules: {"payload": {"authorization": rules.issue(Role.ADMIN)}}, (4403, "Forbidden")),
        (lambda _: {"payload": {"authorization": 3}}, (4403, "Forbidden")),
        (lambda _: {"payload": {}}, (4403, "Forbidden")),
        (lambda _: {}, (4403, "Forbidden")),
        (lambda _: {"payload": None}, (4400, "Invalid connection init payload")),
        (lambda _: subscribe(NAME), (4401, "Unauthorized")),
    ],
)
async def test_without_a_good_token_a_socket_is_closed(server, rules, first, close):
    async with server.socket() as socket:
        await say(socket, {"type": "connection_init"} | first(rules))

        assert await closed(socket) == close


async def test_a_socket_that_says_nothing_for_15_seconds_is_closed(bank, serving, monkeypatch):
    assert timedelta(seconds=15) == sockets.INIT_WAIT
    monkeypatch.setattr(sockets, "INIT_WAIT", timedelta(seconds=0.1))

    async with serving(bank) as server, server.socket() as socket:
        assert await closed(socket) == (4408, "Connection initialisation timeout")


async def status(server, **options):
    """The status of the handshake, or 101 for a socket that is opened."""
    try:
        async with server.socket(**options):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


async def test_a_foreign_origin_is_refused_and_a_configured_one_is_not(bank, serving, server):
    async with serving(bank, origins=(ORIGIN,)) as open_to_one:
        assert [await status(open_to_one, origin=origin) for origin in (ORIGIN, open_to_one.url, None)] == [101] * 3
        assert [await status(open_to_one, origin=f"{ORIGIN}{more}") for more in (".evil.example", ":444")] == [403] * 2
    assert [await status(server, origin=origin) for origin in (ORIGIN, "null", "https://evil.example")] == [403] * 3


async def test_headers_that_are_too_large_are_refused(server):
    assert await status(server, additional_headers={f"X-{number}": "x" * 6_000 for number in range(3)}) == 431
