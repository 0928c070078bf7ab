"""Deliveries: claimed by one, tried again when they are due, listed, sent once more, and deleted in the end."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from graph import deliveries, webhooks
from graph.deliveries import KEPT, Attempt, Filter, Window
from graph.errors import KeyReused, NotFound, VersionConflict
from graph.once import Request
from graph.outbox import event, new_id
from graph.words import DeliveryState, WebhookEvent

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
LEASE = timedelta(minutes=1)
WORKED = Attempt(NOW, 204, None, 12.5)
BROKE = Attempt(NOW, None, "ConnectError: refused", 3.0)
KINDS = (WebhookEvent.OUTCOME_RECORDED,)


def request(recorded_as="A", key=None, fingerprint="F"):
    return Request(key or recorded_as, fingerprint, recorded_as, NOW)


async def made(store, name="hook", **changed):
    return await webhooks.create(store, "https://a.example", KINDS, request(name), **{"enabled": True} | changed)


async def sent(store, webhook_id, at=NOW):
    own = new_id(at)
    asked = Request(own, "F", own, at)
    return await deliveries.send(store, webhook_id, event(WebhookEvent.PING, at, {}), asked)


@pytest.fixture
async def hook(empty_store):
    return await made(empty_store)


async def test_a_webhook_is_made_once_under_a_key(empty_store):
    first = await made(empty_store)
    again = await webhooks.create(empty_store, "https://a.example", KINDS, request("other", "hook"), enabled=True)

    assert first == again
    assert (first.version, first.secret_version, first.rotated_at, first.created_at) == (1, 1, None, NOW)
    with pytest.raises(KeyReused):
        await webhooks.create(empty_store, "https://b.example", KINDS, request("B", "hook", "G"), enabled=True)


async def test_there_are_no_more_than_may_be(empty_store, monkeypatch):
    monkeypatch.setattr(webhooks, "MOST", 2)

    assert [await made(empty_store, f"{n}") is not None for n in range(3)] == [True, True, False]
    assert len(await webhooks.every(empty_store)) == 2


async def test_of_two_who_change_a_version_one_does(empty_store, hook):
    async def change(url):
        return await webhooks.change(empty_store, hook.webhook_id, {"url": url}, 1)

    done = await asyncio.gather(*(change(f"https://{n}.example") for n in range(5)), return_exceptions=True)

    [one] = [webhook for webhook in done if not isinstance(webhook, Exception)]
    assert (one.version, [type(other) for other in done if other is not one]) == (2, [VersionConflict] * 4)
    assert await webhooks.one(empty_store, hook.webhook_id) == one
    with pytest.raises(NotFound):
        await webhooks.change(empty_store, "none", {}, None)


async def test_a_rotation_makes_another_secret_and_says_when(empty_store, hook):
    rotated = await webhooks.rotate(empty_store, hook.webhook_id, NOW, None)

    assert (rotated.secret_version, rotated.rotated_at, rotated.version) == (2, NOW, 2)


async def test_a_delivery_is_claimed_by_one_of_many(empty_store, hook):
    other = await made(empty_store, "hook2")
    for webhook in (hook, other):
        for _ in range(10):
            await sent(empty_store, webhook.webhook_id)

    claimed = await asyncio.gather(*(deliveries.claim(empty_store, hook.webhook_id, 5, NOW, LEASE) for _ in range(6)))
    rest = [await deliveries.claim(empty_store, hook.webhook_id, 10, NOW, LEASE) for _ in range(2)]

    ids = [delivery.delivery_id for some in (*claimed, *rest) for _, delivery in some]
    assert len(ids) == len(set(ids)) == 10
    assert {delivery.tries for some in claimed for _, delivery in some} == {1}
    assert len(await deliveries.claim(empty_store, other.webhook_id, 20, NOW, LEASE)) == 10


async def test_what_is_due_longest_is_claimed_first(empty_store, hook):
    seconds = [5, 1, 4, 0, 3, 2]
    for second in seconds:
        await sent(empty_store, hook.webhook_id, NOW + timedelta(seconds=second))

    claimed = await deliveries.claim(empty_store, hook.webhook_id, 3, NOW + timedelta(seconds=9), LEASE)

    assert sorted(delivery.created_at for _, delivery in claimed) == [NOW + timedelta(seconds=n) for n in range(3)]


async def test_who_finds_what_another_has_claimed_claims_nothing(empty_store, hook):
    """The look and the claim are two transactions: what lies between them is tried here, and what comes after both."""
    delivery = await sent(empty_store, hook.webhook_id)

    def take():
        found = {"due": [delivery.delivery_id], "now": NOW, "until": NOW + LEASE, "until_key": "hook|"}
        return empty_store.write(deliveries.TAKE, **found)

    takes = await asyncio.gather(*(take() for _ in range(8)))

    assert sorted(map(len, takes)) == [0] * 7 + [1]
    assert await take() == []


async def test_a_claim_lapses_and_who_was_too_slow_changes_nothing(empty_store, hook):
    await sent(empty_store, hook.webhook_id)
    [(_, first)] = await deliveries.claim(empty_store, hook.webhook_id, 5, NOW, LEASE)
    assert await deliveries.claim(empty_store, hook.webhook_id, 5, NOW + LEASE / 2, LEASE) == []
    [(_, second)] = await deliveries.claim(empty_store, hook.webhook_id, 5, NOW + LEASE, LEASE)

    assert await deliveries.finish(empty_store, first, BROKE, DeliveryState.FAILED, None) is False
    assert await deliveries.finish(empty_store, second, WORKED, DeliveryState.DELIVERED, None) is True
    [stored] = await deliveries.page(empty_store, Filter(), Window())
    assert (stored.state, stored.tries, stored.attempts, stored.due_at) == (DeliveryState.DELIVERED, 2, (WORKED,), None)


async def test_a_try_that_failed_comes_again_when_it_is_due(empty_store, hook):
    await sent(empty_store, hook.webhook_id)
    [(_, delivery)] = await deliveries.claim(empty_store, hook.webhook_id, 5, NOW, LEASE)
    later = NOW + timedelta(hours=1)
    await deliveries.finish(empty_store, delivery, BROKE, DeliveryState.PENDING, later)

    assert await deliveries.claim(empty_store, hook.webhook_id, 5, later - timedelta(seconds=1), LEASE) == []
    [(_, again)] = await deliveries.claim(empty_store, hook.webhook_id, 5, later, LEASE)
    await deliveries.finish(empty_store, again, WORKED, DeliveryState.DELIVERED, None)
    assert await deliveries.claim(empty_store, hook.webhook_id, 5, later + 9 * LEASE, LEASE) == []
    stored = await deliveries.one(empty_store, delivery.delivery_id)
    assert (stored.attempts, stored.tries) == ((BROKE, WORKED), 2)


async def test_a_webhook_that_is_disabled_waits(empty_store, hook):
    await sent(empty_store, hook.webhook_id)
    await webhooks.disable(empty_store, hook.webhook_id)
    assert await webhooks.enabled(empty_store) == []
    assert await deliveries.claim(empty_store, hook.webhook_id, 5, NOW, LEASE) == []
    assert await deliveries.longest_waiting(empty_store) is None

    changed = await webhooks.change(empty_store, hook.webhook_id, {"enabled": True}, 2)

    assert (changed.version, await deliveries.longest_waiting(empty_store)) == (3, NOW)
    assert len(await deliveries.claim(empty_store, hook.webhook_id, 5, NOW, LEASE)) == 1


async def test_what_is_sent_once_more_has_the_event_and_the_body(empty_store, hook):
    first = await sent(empty_store, hook.webhook_id)

    again = await deliveries.replay(empty_store, first.delivery_id, request(new_id(NOW), "key"))
    same = await deliveries.replay(empty_store, first.delivery_id, request(new_id(NOW), "key"))

    assert (again.event_id, again.body, again.event_type) == (first.event_id, first.body, first.event_type)
    assert (again.is_replay, again.state, again.tries) == (True, DeliveryState.PENDING, 0)
    assert again == same
    assert again.delivery_id != first.delivery_id
    assert await deliveries.replay(empty_store, "none", request("x")) is None
    assert await deliveries.send(empty_store, "none", event(WebhookEvent.PING, NOW, {}), request("y")) is None


async def test_pages_go_both_ways_from_the_newest(empty_store, hook):
    other = await made(empty_store, "other")
    every = [await sent(empty_store, (other if n % 3 == 0 else hook).webhook_id, NOW + timedelta(seconds=n)) for n in range(9)]  # fmt: skip
    newest = [delivery.delivery_id for delivery in every[::-1]]

    async def ids(wanted=None, **window):
        found = await deliveries.page(empty_store, wanted or Filter(), Window(**window))
        return [delivery.delivery_id for delivery in found]

    assert await ids(count=4) == newest[:4]
    assert await ids(count=4, after=newest[3]) == newest[4:8]
    assert await ids(count=2, before=newest[5], backward=True) == newest[3:5]
    assert await ids(Filter(other.webhook_id)) == newest[2::3]
    assert await deliveries.count(empty_store, Filter(other.webhook_id)) == 3
    assert await deliveries.count(empty_store, Filter(state=DeliveryState.FAILED)) == 0


async def test_what_is_older_than_it_is_kept_is_swept_however_much(empty_store, hook, monkeypatch):
    monkeypatch.setattr(deliveries, "SWEPT_AT_ONCE", 2)
    for n in range(6):
        await sent(empty_store, hook.webhook_id, NOW + timedelta(days=n))

    assert await deliveries.sweep(empty_store, NOW + KEPT + timedelta(days=3)) == 4
    assert await deliveries.count(empty_store, Filter()) == 2


async def test_a_webhook_goes_with_its_deliveries(empty_store, hook, monkeypatch):
    monkeypatch.setattr(webhooks, "DELETED_AT_ONCE", 2)
    other = await made(empty_store, "other")
    for webhook in (hook, hook, hook, other):
        await sent(empty_store, webhook.webhook_id)

    assert [await webhooks.delete(empty_store, hook.webhook_id) for _ in range(2)] == [True, False]
    assert await deliveries.count(empty_store, Filter()) == 1
    assert await webhooks.every(empty_store) == [other]
