"""Several servers that send, and one that was there before: each event is sent, and by one of them."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from standardwebhooks import Webhook

from api.webhooks import signing
from api.webhooks.rules import WebhookRules
from graph import deliveries, webhooks
from graph.deliveries import Filter, Window
from graph.once import Request
from graph.outbox import event, new_id
from graph.store import Store
from graph.words import WebhookEvent
from tests.api.receiving import Receiver
from tests.waiting import until

ROOT = "the secret that webhooks' own are derived of"
QUICK = WebhookRules(ROOT, plain=True, networks=(ip_network("127.0.0.0/8"),), backoff=0.02, poll=0.05)


@pytest.fixture
async def receiver():
    async with Receiver().open() as opened:
        yield opened


@pytest.fixture
async def hook(bank, receiver):
    request = Request("hook", "F", "hook", datetime.now(UTC))
    yield await webhooks.create(bank, receiver.url, (WebhookEvent.OUTCOME_RECORDED,), request, enabled=True)
    await bank.write("MATCH (n) WHERE n:Webhook OR n:Delivery OR n:IdempotencyKey DETACH DELETE n")


async def ping(store):
    now = datetime.now(UTC)
    own = new_id(now)
    return await deliveries.send(store, "hook", event(WebhookEvent.PING, now, {}), Request(own, "F", own, now))


def delivered(bank, hook):
    return deliveries.count(bank, Filter(hook.webhook_id, "delivered"))


async def test_of_several_servers_one_sends(bank, login, serving, hook, receiver):
    async with AsyncExitStack() as held:
        for _ in range(3):
            store = await held.enter_async_context(Store(*login))
            await held.enter_async_context(serving(store, webhooks=QUICK))
        for _ in range(40):
            await ping(bank)
        await until(lambda: delivered(bank, hook), lambda count: count == 40)
    assert len(receiver.got) == len({got.event_id for got in receiver.got}) == 40
    found = await deliveries.page(bank, Filter(), Window(count=100))
    assert {(one.tries, len(one.attempts)) for one in found} == {(1, 1)}


async def test_what_a_server_left_is_sent_by_the_next(bank, serving, hook, receiver):
    """One that died had claimed it, and told nobody what came of it."""
    sent = await ping(bank)
    await deliveries.claim(bank, hook.webhook_id, 5, datetime.now(UTC), timedelta(milliseconds=300))

    async with serving(bank, webhooks=QUICK):
        await until(lambda: deliveries.one(bank, sent.delivery_id), lambda one: one.state == "delivered")
    [got] = receiver.got
    Webhook(signing.secret(hook, ROOT)).verify(got.body, got.headers)
    stored = await deliveries.one(bank, sent.delivery_id)
    assert (stored.tries, len(stored.attempts)) == (2, 1)


async def test_while_the_store_is_away_it_waits(login, bank, serving, hook, receiver, log):
    log("text", "warning")
    async with Store("bolt://127.0.0.1:1", *login[1:], 0) as down, serving(down, webhooks=QUICK):
        await ping(bank)
        assert receiver.got == []
    async with serving(bank, webhooks=QUICK):
        await until(lambda: delivered(bank, hook), lambda count: count == 1)
    assert any("webhooks wait: The store at bolt://127.0.0.1:1 cannot be reached" in line for line in log.lines())
