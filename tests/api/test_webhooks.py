"""Webhooks from the mutation that records to a real receiver, which checks them with the standard's own library."""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from itertools import pairwise

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from api.global_ids import key_of
from api.metrics import REGISTRY
from api.webhooks.rules import WebhookRules
from graph import webhooks
from tests.api.receiving import Receiver
from tests.waiting import until

ROOT = "the secret that webhooks' own are derived of"
LOOPBACK = (ip_network("127.0.0.0/8"),)
QUICK = WebhookRules(ROOT, plain=True, networks=LOOPBACK, attempts=5, backoff=0.02, seconds=2, poll=0.05)

CREATE = """mutation ($url: String!, $events: [WebhookEvent!]!, $key: String) {
    createWebhook(input: {url: $url, events: $events, idempotencyKey: $key}) {
        webhook { id url events enabled version rotatedAt } secret errors { code message path } } }"""
UPDATE = """mutation ($id: ID!, $url: String, $events: [WebhookEvent!], $enabled: Boolean, $version: Int) {
    updateWebhook(input: {id: $id, url: $url, events: $events, enabled: $enabled, expectedVersion: $version}) {
        webhook { url events enabled version } errors { code path currentVersion } } }"""
ROTATE = """mutation ($id: ID!, $version: Int) { rotateWebhookSecret(input: {id: $id, expectedVersion: $version}) {
    webhook { version rotatedAt } secret errors { code path currentVersion } } }"""
DELETE = "mutation ($id: ID!) { deleteWebhook(input: {id: $id}) { deleted errors { code path } } }"
TEST = """mutation ($id: ID!, $key: String) { sendTestWebhook(input: {id: $id, idempotencyKey: $key}) {
    delivery { id event state payload webhook { id } } errors { code path } } }"""
REPLAY = """mutation ($id: ID!, $key: String) { replayDelivery(input: {id: $id, idempotencyKey: $key}) {
    delivery { id eventId isReplay state payload } errors { code path } } }"""
DELIVERIES = """query ($first: Int, $after: String, $last: Int, $before: String, $webhook: ID, $state: DeliveryState) {
    webhookDeliveries(first: $first, after: $after, last: $last, before: $before, webhook: $webhook, state: $state) {
        totalCount pageInfo { endCursor hasNextPage startCursor hasPreviousPage }
        nodes { id eventId event state payload isReplay nextAttemptAt webhook { id }
                attempts { at status error milliseconds } } } }"""
OUTCOME = """mutation ($id: ID!, $outcome: OutcomeKind!, $key: String!) {
    recordOutcome(input: {offerId: $id, outcome: $outcome, channel: MOBILE, idempotencyKey: $key}) {
        errors { code } } }"""
FORGET = "MATCH (n) WHERE n:Webhook OR n:Delivery OR n:Outcome OR n:IdempotencyKey DETACH DELETE n"
EVENTS = ["OUTCOME_RECORDED", "OFFER_ACCEPTED", "STAGE_CHANGED"]


@pytest.fixture(scope="module")
async def server(bank, serving):
    async with serving(bank, webhooks=QUICK) as running:
        yield running


@pytest.fixture(autouse=True)
async def nothing_left(bank):
    yield
    await bank.write(FORGET)


@pytest.fixture
async def receiver():
    async with Receiver().open() as opened:
        yield opened


@pytest.fixture
def admin(server, bearers):
    """Return a function: ask as an administrator, and get the data."""

    async def ask(query, **variables):
        answer = await server.ask(query, bearers.admin, **variables)
        assert "errors" not in answer, answer
        [told] = answer["data"].values()
        return told

    return ask


@pytest.fixture
def made(admin):
    """Return a function: make a webhook; gives its id and its secret."""

    async def make(url, events=EVENTS):
        told = await admin(CREATE, url=url, events=events)
        assert told["errors"] == []
        return told["webhook"]["id"], told["secret"]

    return make


@pytest.fixture
def settled(admin):
    """Return a function: what the deliveries are once none is pending, the oldest first."""

    async def wait(**wanted):
        async def look():
            found = (await admin(DELIVERIES, first=100, **wanted))["nodes"]
            return found and all(one["state"] != "PENDING" for one in found) and found[::-1]

        return await until(look)

    return wait


async def offer(server, bearers):
    answer = await server.ask("{ viewer { customer { offers(first: 1) { id product { productCode } } } } }", bearers.anna)  # fmt: skip
    return answer["data"]["viewer"]["customer"]["offers"][0]


async def test_an_accepted_offer_comes_to_the_receiver_signed(server, bearers, made, receiver, settled):
    _, secret = await made(receiver.url)
    offered = await offer(server, bearers)

    for _ in range(2):
        await server.ask(OUTCOME, bearers.anna, id=offered["id"], outcome="ACCEPT", key="K")
    found = await settled()

    told = {got.headers["webhook-id"]: Webhook(secret).verify(got.body, got.headers) for got in receiver.got}
    assert sorted(one["type"] for one in told.values()) == ["offer.accepted", "outcome.recorded"]
    for one in told.values():
        assert one.keys() == {"type", "timestamp", "data"}
        at = one["data"].pop("at")
        assert datetime.fromisoformat(at) <= datetime.fromisoformat(one["timestamp"]) <= datetime.now(UTC)
        assert one["data"] == {"customerNo": "ANNA", "productCode": offered["product"]["productCode"], "outcome": "accept", "channel": "mobile"}  # fmt: skip
    assert {got.path for got in receiver.got} == {"/hook?bank=1"}
    assert {got.headers["content-type"] for got in receiver.got} == {"application/json"}
    assert {got.headers["host"] for got in receiver.got} == {f"127.0.0.1:{receiver.port}"}
    assert "authorization" not in receiver.got[0].headers
    assert len(receiver.got) == len(found) == 2
    for one in found:
        [got] = [got for got in receiver.got if got.event_id == one["eventId"]]
        assert got.body == one["payload"].encode()
        [attempt] = one["attempts"]
        assert (one["state"], one["nextAttemptAt"], one["isReplay"]) == ("DELIVERED", None, False)
        assert (attempt["status"], attempt["error"], attempt["milliseconds"] > 0) == (204, None, True)


async def test_a_changed_body_id_or_time_is_not_signed(made, admin, receiver, settled):
    webhook_id, secret = await made(receiver.url)
    await admin(TEST, id=webhook_id)
    await settled()

    [got] = receiver.got
    assert Webhook(secret).verify(got.body, got.headers)["data"] == {}
    for wrong in (
        (got.body + b" ", got.headers),
        (got.body, got.headers | {"webhook-id": "msg_other"}),
        (got.body, got.headers | {"webhook-timestamp": str(int(got.headers["webhook-timestamp"]) + 1)}),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(*wrong)


@pytest.mark.parametrize("status", [500, 503, 301, 302])
async def test_what_fails_comes_again_under_the_same_id_until_it_is_taken(made, admin, receiver, settled, status):
    webhook_id, secret = await made(receiver.url)
    receiver.answers = [status, status, 200]

    await admin(TEST, id=webhook_id)
    [found] = await settled()

    assert [attempt["status"] for attempt in found["attempts"]] == [status, status, 200]
    assert [got.path for got in receiver.got] == ["/hook?bank=1"] * 3
    assert len({(got.event_id, got.body) for got in receiver.got}) == 1
    for got in receiver.got:
        Webhook(secret).verify(got.body, got.headers)


@pytest.mark.parametrize("status", [400, 401, 404, 429])
async def test_what_the_receiver_calls_wrong_does_not_come_again(made, admin, receiver, settled, status):
    webhook_id, _ = await made(receiver.url)
    receiver.answers = [status, 200]

    await admin(TEST, id=webhook_id)
    [found] = await settled()

    assert (found["state"], [attempt["status"] for attempt in found["attempts"]]) == ("FAILED", [status])
    assert len(receiver.got) == 1


async def test_who_is_gone_is_asked_no_more(bank, made, admin, receiver, settled):
    webhook_id, _ = await made(receiver.url)
    receiver.answers = [410]

    await admin(TEST, id=webhook_id)
    await settled()

    [webhook] = await admin("{ webhooks { enabled version } }")
    assert webhook == {"enabled": False, "version": 2}
    assert await webhooks.enabled(bank) == []


async def test_a_dead_receiver_gets_it_when_it_lives(made, admin, settled):
    receiver = Receiver()
    async with receiver.open():
        port = receiver.port
    webhook_id, _ = await made(receiver.url)

    await admin(TEST, id=webhook_id)

    async def tried():
        [found] = (await admin(DELIVERIES))["nodes"]
        return found["attempts"]

    assert (await until(tried))[0]["error"].startswith("ConnectError: ")
    async with receiver.open(port):
        [found] = await settled()
    assert (found["state"], found["attempts"][-1]["status"], found["attempts"][0]["status"]) == ("DELIVERED", 204, None)


async def test_it_is_given_up_after_the_last_try(made, admin, receiver, settled):
    receiver.answers = [500]
    webhook_id, _ = await made(receiver.url)
    await admin(TEST, id=webhook_id)

    [found] = await settled()

    assert (found["state"], len(found["attempts"]), found["nextAttemptAt"]) == ("FAILED", QUICK.attempts, None)


def test_waits_grow_to_almost_a_day_and_differ():
    rules = WebhookRules(ROOT)
    assert rules.attempts == 8
    waits = [[rules.wait(tries).total_seconds() for _ in range(50)] for tries in range(1, rules.attempts)]

    for before, after in pairwise(waits):
        assert max(before) < min(after)
    assert 15 * 0.8 <= min(waits[0]) < max(waits[0]) <= 15 * 1.2
    assert timedelta(hours=18) < timedelta(seconds=sum(map(min, waits)))
    assert timedelta(seconds=sum(map(max, waits))) < timedelta(hours=28)


async def test_a_receiver_that_never_ends_its_answer_has_what_it_needs(made, admin, receiver, settled):
    async def flood(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            await writer.drain()

    receiver.answers = [flood]
    webhook_id, _ = await made(receiver.url)

    await admin(TEST, id=webhook_id)
    [found] = await settled()

    assert (found["state"], [attempt["status"] for attempt in found["attempts"]]) == ("DELIVERED", [200])
    await until(lambda: receiver.busy == 0)


async def drip(writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: yes\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def endless(writer):
    while True:
        writer.write(b"HTTP/1.1 200 OK\r\nX-More: " + b"x" * 65_536)
        await writer.drain()


async def rubbish(writer):
    writer.write(b"\x00\xffrubbish\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize(
    ("answer", "error"),
    [(drip, "no answer within 2 seconds"), (endless, "RemoteProtocolError"), (rubbish, "RemoteProtocolError")],
    ids=["drips", "endless", "rubbish"],
)
async def test_an_answer_that_is_none_is_an_error(made, admin, receiver, settled, answer, error):
    webhook_id, _ = await made(receiver.url)
    receiver.answers = [answer, 204]

    await admin(TEST, id=webhook_id)
    [found] = await settled()

    assert [attempt["status"] for attempt in found["attempts"]] == [None, 204]
    assert found["attempts"][0]["error"].startswith(error)


async def test_a_slow_receiver_holds_up_no_other(made, admin, receiver, settled):
    released = asyncio.Event()

    async def wait(writer):
        await released.wait()
        writer.write(b"HTTP/1.1 204 Late\r\n\r\n")
        await writer.drain()

    async with Receiver().open() as slow:
        slow.answers = [wait]
        slow_id, _ = await made(slow.url)
        quick_id, _ = await made(receiver.url)
        for _ in range(10):
            await admin(TEST, id=slow_id)
        await admin(TEST, id=quick_id)

        [quick] = await settled(webhook=quick_id)
        assert quick["state"] == "DELIVERED"
        assert slow.most_busy == slow.busy == QUICK.concurrent
        released.set()
        assert {one["state"] for one in await settled(webhook=slow_id)} == {"DELIVERED"}
    assert slow.most_busy == QUICK.concurrent


async def test_a_delivery_is_sent_once_more_with_the_same_event_and_body(made, admin, receiver, settled):
    webhook_id, secret = await made(receiver.url)
    receiver.answers = [400, 200]
    await admin(TEST, id=webhook_id)
    [failed] = await settled()

    replayed = (await admin(REPLAY, id=failed["id"], key="once"))["delivery"]
    again = (await admin(REPLAY, id=failed["id"], key="once"))["delivery"]

    assert (replayed["id"], replayed["eventId"], replayed["payload"]) == (again["id"], failed["eventId"], failed["payload"])  # fmt: skip
    assert (replayed["isReplay"], failed["isReplay"]) == (True, False)
    assert [one["state"] for one in await settled()] == ["FAILED", "DELIVERED"]
    first, second = receiver.got
    assert (first.event_id, first.body) == (second.event_id, second.body)
    Webhook(secret).verify(second.body, second.headers)


async def test_both_secrets_sign_for_a_day_after_a_rotation(bank, made, admin, receiver, settled):
    webhook_id, old = await made(receiver.url)
    rotated = await admin(ROTATE, id=webhook_id, version=1)
    new = rotated["secret"]
    await admin(TEST, id=webhook_id)
    await settled()
    await bank.write("MATCH (w:Webhook) SET w.rotated_at = $at", at=datetime.now(UTC) - timedelta(hours=24))
    await admin(TEST, id=webhook_id)
    await settled()

    both, later = receiver.got
    assert (rotated["webhook"]["version"], old != new, new.startswith("whsec_")) == (2, True, True)
    assert both.headers["webhook-signature"].count("v1,") == 2
    for secret in (old, new):
        Webhook(secret).verify(both.body, both.headers)
    Webhook(new).verify(later.body, later.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(later.body, later.headers)


async def test_no_secret_lies_in_the_graph_nor_is_told_again(bank, made, admin, receiver):
    _, secret = await made(receiver.url)

    stored = await bank.read("MATCH (w:Webhook) RETURN properties(w) AS properties")
    assert secret.removeprefix("whsec_") not in str(stored)
    assert secret not in str(await admin("{ webhooks { id url events enabled version createdAt rotatedAt } }"))


async def test_what_waits_for_a_disabled_webhook_is_sent_when_it_is_enabled(made, admin, receiver, settled):
    webhook_id, _ = await made(receiver.url)
    off = await admin(UPDATE, id=webhook_id, enabled=False, version=1)
    await admin(TEST, id=webhook_id)
    await asyncio.sleep(10 * QUICK.poll)
    assert (off["webhook"]["enabled"], receiver.got) == (False, [])
    [waiting] = (await admin(DELIVERIES, state="PENDING"))["nodes"]

    await admin(UPDATE, id=webhook_id, enabled=True, version=2)

    [found] = await settled()
    assert (found["id"], found["state"]) == (waiting["id"], "DELIVERED")


async def test_a_webhook_is_changed_at_its_version(made, admin, receiver):
    webhook_id, _ = await made(receiver.url)

    changed = await admin(UPDATE, id=webhook_id, url=f"{receiver.url}&more=1", events=["STAGE_CHANGED"], version=1)
    late = [await admin(query, id=webhook_id, version=1) for query in (UPDATE, ROTATE)]
    nobody = [await admin(query, id="V2ViaG9vazpub25l") for query in (UPDATE, ROTATE, TEST)]
    wrong = [await admin(query, id="none") for query in (UPDATE, ROTATE, TEST, REPLAY, DELETE)]

    assert changed == {"webhook": {"url": f"{receiver.url}&more=1", "events": ["STAGE_CHANGED"], "enabled": True, "version": 2}, "errors": []}  # fmt: skip
    assert [told["errors"] for told in late] == [[{"code": "VERSION_CONFLICT", "path": ["input", "expectedVersion"], "currentVersion": 2}]] * 2  # fmt: skip
    assert [told["errors"][0]["code"] for told in nobody] == ["NOT_FOUND"] * 3
    assert [told["errors"][0]["code"] for told in wrong] == ["BAD_INPUT"] * 5


async def test_a_webhook_is_made_once_under_a_key(admin, receiver):
    asked = {"url": receiver.url, "events": ["OFFER_ACCEPTED", "OFFER_ACCEPTED"], "key": "K"}

    first, again = [await admin(CREATE, **asked) for _ in range(2)]
    other = await admin(CREATE, **asked | {"events": ["STAGE_CHANGED"]})

    assert first == again
    assert first["webhook"]["events"] == ["OFFER_ACCEPTED"]
    assert [error["code"] for error in other["errors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    assert (await admin("{ webhooks { id } }")) == [{"id": first["webhook"]["id"]}]


@pytest.mark.parametrize("events", [[], ["PING"], ["PING", "STAGE_CHANGED"]])
async def test_a_webhook_is_told_of_something_and_of_no_ping(admin, receiver, events):
    told = await admin(CREATE, url=receiver.url, events=events)

    assert [(error["code"], error["path"]) for error in told["errors"]] == [("BAD_INPUT", ["input", "events"])]


async def test_a_webhook_goes_with_what_it_was_sent(bank, made, admin, receiver, settled):
    webhook_id, _ = await made(receiver.url)
    await admin(TEST, id=webhook_id)
    [found] = await settled()

    assert [(await admin(DELETE, id=webhook_id))["deleted"] for _ in range(2)] == [True, False]
    assert await admin("query ($id: ID!) { node(id: $id) { id } }", id=found["id"]) is None
    assert await bank.read("MATCH (n) WHERE n:Webhook OR n:Delivery RETURN count(n) AS n") == [{"n": 0}]


async def test_deliveries_are_found_page_by_page_by_webhook_and_by_state(made, admin, receiver, settled):
    one_id, _ = await made(receiver.url)
    other_id, _ = await made(f"{receiver.url}&other=1")
    for webhook_id in (one_id, other_id, one_id):
        await admin(TEST, id=webhook_id)
    newest = [found["id"] for found in await settled()][::-1]

    first = await admin(DELIVERIES, first=2)
    rest = await admin(DELIVERIES, first=2, after=first["pageInfo"]["endCursor"])
    back = await admin(DELIVERIES, last=1, before=rest["pageInfo"]["startCursor"])
    others = await admin(DELIVERIES, webhook=other_id)
    failed = await admin(DELIVERIES, state="FAILED")

    assert [found["id"] for page in (first, rest) for found in page["nodes"]] == newest
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (3, True, False)
    assert [found["id"] for found in back["nodes"]] == newest[1:2]
    assert [found["webhook"]["id"] for found in others["nodes"]] == [other_id]
    assert (failed["totalCount"], failed["nodes"]) == (0, [])
    node = await admin("query ($id: ID!) { node(id: $id) { ... on WebhookDelivery { event webhook { url } } } }", id=newest[1])  # fmt: skip
    assert node == {"event": "PING", "webhook": {"url": f"{receiver.url}&other=1"}}


@pytest.mark.parametrize("who", ["manager", "marketing", "partner", "anna"])
async def test_webhooks_are_for_administrators(server, bearers, made, admin, receiver, settled, who):
    webhook_id, _ = await made(receiver.url)
    await admin(TEST, id=webhook_id)
    [found] = await settled()
    bearer = getattr(bearers, who)

    for query in (CREATE, UPDATE, ROTATE, DELETE, TEST, REPLAY, DELIVERIES, "{ webhooks { id } }"):
        answer = await server.ask(query, bearer, id=webhook_id, url=receiver.url, events=EVENTS)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    for node_id in (webhook_id, found["id"]):
        answer = await server.ask("query ($id: ID!) { node(id: $id) { id } }", bearer, id=node_id)
        assert answer == {"data": {"node": None}}
    assert len(await admin("{ webhooks { id } }")) == 1


async def test_each_try_is_logged_without_what_was_sent_or_where_to(made, admin, receiver, settled, log):
    log("json")
    webhook_id, secret = await made(receiver.url)
    receiver.answers = [500, 204]
    await admin(TEST, id=webhook_id)
    [found] = await settled()

    lines = [json.loads(line) for line in log.lines()]
    tries = [line for line in lines if line["logger"] == "guanxi.webhooks"]
    assert [(one["event"], one["outcome"], one["status"], one["attempt"]) for one in tries] == [
        ("ping", "retried", 500, 1), ("ping", "delivered", 204, 2),
    ]  # fmt: skip
    assert {one["delivery"] for one in tries} == {key_of(found["id"], "WebhookDelivery")}
    assert {one["webhook"] for one in tries} == {key_of(webhook_id, "Webhook")}
    for hidden in (secret, "127.0.0.1", "timestamp", receiver.url):
        assert hidden not in "".join(map(str, tries))
    assert logging.getLogger("guanxi.webhooks").isEnabledFor(logging.INFO)


async def test_each_try_is_counted(made, admin, receiver, settled):
    def counted(outcome):
        return REGISTRY.get_sample_value("guanxi_webhook_attempts_total", {"event": "ping", "outcome": outcome}) or 0

    webhook_id, _ = await made(receiver.url)
    before = {outcome: counted(outcome) for outcome in ("retried", "delivered", "failed")}
    receiver.answers = [500, 204, 400]
    await admin(TEST, id=webhook_id)
    await settled()
    await admin(TEST, id=webhook_id)
    await settled()

    assert {outcome: counted(outcome) - count for outcome, count in before.items()} == {
        "retried": 1, "delivered": 1, "failed": 1,
    }  # fmt: skip


async def test_the_age_of_what_waits_is_told(bank, serving, made, admin, receiver):
    receiver.answers = [500]
    webhook_id, _ = await made(receiver.url)
    await admin(UPDATE, id=webhook_id, enabled=False)
    await admin(TEST, id=webhook_id)
    past = datetime.now(UTC) - timedelta(hours=2)
    await bank.write("MATCH (d:Delivery) SET d.created_at = $past", past=past)
    await bank.write("MATCH (w:Webhook) SET w.enabled = true")

    async with serving(bank):

        async def told():
            return 7_200 <= REGISTRY.get_sample_value("guanxi_webhook_pending_age_seconds") < 7_300

        await until(told)
