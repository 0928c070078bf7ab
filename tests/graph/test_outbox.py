"""What happened is told in the transaction that writes it: to each webhook that wants it, once, or not at all."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from neo4j.exceptions import ConstraintError

from graph import deliveries, feedback, life_events, stages, webhooks
from graph.deliveries import Filter, Window
from graph.errors import KeyReused
from graph.life_events import Noting
from graph.once import Request
from graph.outbox import life_event, new_id
from graph.records import Outcome
from graph.stages import Change
from graph.words import Channel, DeliveryState, LifecycleStage, OutcomeKind, WebhookEvent

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
DAY = date(2026, 6, 1)
OUTCOMES = (WebhookEvent.OUTCOME_RECORDED, WebhookEvent.OFFER_ACCEPTED)


def request(recorded_as="A", *, key=None, fingerprint="F"):
    return Request(key or recorded_as, fingerprint, recorded_as, NOW)


def outcome(kind=OutcomeKind.ACCEPT):
    return Outcome("offer", "CARD", kind, Channel.MOBILE, NOW - timedelta(hours=1))


@pytest.fixture
async def bank(empty_store):
    await empty_store.write("UNWIND ['C1', 'C2'] AS no CREATE (:Customer {customer_no: no, kind: 'person'})")
    return empty_store


@pytest.fixture
async def hook(bank):
    return await webhooks.create(bank, "https://a.example", OUTCOMES, request("hook"), enabled=True)


async def told(store, **wanted):
    return await deliveries.page(store, Filter(**wanted), Window(count=1_000))


async def test_an_accepted_offer_is_told_as_an_outcome_and_as_accepted(bank, hook):
    await feedback.record_outcome(bank, "C1", outcome(), {}, request())

    accepted, recorded = sorted(await told(bank), key=lambda delivery: delivery.event_type)
    data = {"customerNo": "C1", "productCode": "CARD", "outcome": "accept", "channel": "mobile", "at": "2026-06-01T07:00:00.000Z"}  # fmt: skip
    assert json.loads(recorded.body) == {
        "type": "outcome.recorded", "timestamp": "2026-06-01T08:00:00.000Z", "data": data,
    }  # fmt: skip
    assert json.loads(accepted.body) == json.loads(recorded.body) | {"type": "offer.accepted"}
    assert recorded.event_id != accepted.event_id
    assert {(d.webhook_id, d.state, d.tries, d.due_at, d.created_at, d.attempts, d.is_replay) for d in (accepted, recorded)} == {
        (hook.webhook_id, DeliveryState.PENDING, 0, NOW, NOW, (), False)
    }  # fmt: skip


@pytest.mark.usefixtures("hook")
async def test_every_other_outcome_is_an_outcome_alone(bank):
    for n, kind in enumerate(kind for kind in OutcomeKind if kind is not OutcomeKind.ACCEPT):
        await feedback.record_outcome(bank, "C1", outcome(kind), {}, request(f"{n}"))

    assert [delivery.event_type for delivery in await told(bank)] == [WebhookEvent.OUTCOME_RECORDED] * 4


@pytest.mark.usefixtures("hook")
async def test_who_sends_again_is_told_once(bank):
    await asyncio.gather(*(feedback.record_outcome(bank, "C1", outcome(), {}, request(f"{n}", key="K")) for n in range(6)))  # fmt: skip
    with pytest.raises(KeyReused):
        await feedback.record_outcome(bank, "C1", outcome(), {}, request("other", key="K", fingerprint="G"))

    assert len(await told(bank)) == 2
    assert (await bank.read("MATCH (o:Outcome) RETURN count(o) AS n")) == [{"n": 1}]


async def test_each_webhook_is_told_what_it_wants_and_one_that_is_disabled_nothing(bank, hook):
    everything = tuple(event for event in WebhookEvent if event is not WebhookEvent.PING)
    other = await webhooks.create(bank, "https://b.example", everything, request("other"), enabled=True)
    await webhooks.create(bank, "https://c.example", (WebhookEvent.STAGE_CHANGED,), request("stages"), enabled=True)
    await webhooks.create(bank, "https://d.example", everything, request("off"), enabled=False)

    await feedback.record_outcome(bank, "C1", outcome(OutcomeKind.CLICK), {}, request())

    found = await told(bank)
    assert {delivery.webhook_id for delivery in found} == {hook.webhook_id, other.webhook_id}
    assert len({delivery.event_id for delivery in found}) == 1


async def test_what_is_recorded_where_nobody_listens_is_recorded_and_told_to_nobody(bank):
    stored = await feedback.record_outcome(bank, "C1", outcome(), {}, request())

    assert (stored["kind"], await told(bank)) == ("accept", [])


@pytest.mark.usefixtures("hook")
async def test_a_write_that_fails_tells_nothing(bank, monkeypatch):
    monkeypatch.setattr(feedback, "OUTCOME", f"{feedback.OUTCOME} WITH d CREATE (:Customer {{customer_no: 'C1'}})")

    with pytest.raises(ConstraintError):
        await feedback.record_outcome(bank, "C1", outcome(), {}, request())

    found = await bank.read("MATCH (n) WHERE n:Outcome OR n:Delivery RETURN count(n) AS n")
    assert found == [{"n": 0}]


async def test_ids_come_in_the_order_of_their_time():
    ids = [new_id(NOW + timedelta(milliseconds=n)) for n in range(100)]

    assert ids == sorted(ids)
    assert len({new_id(NOW) for _ in range(100)}) == 100


async def test_the_first_stage_is_noted_and_a_change_told_once(bank):
    await webhooks.create(bank, "https://a.example", (WebhookEvent.STAGE_CHANGED,), request("hook"), enabled=True)
    first = [Change(no, None, LifecycleStage.NEW) for no in ("C1", "C2")]
    await stages.note(bank, first, DAY, NOW)
    assert await told(bank) == []

    change = [Change("C1", LifecycleStage.NEW, LifecycleStage.GROWING)]
    await asyncio.gather(*(stages.note(bank, change, DAY, NOW) for _ in range(4)))

    [delivery] = await told(bank)
    assert json.loads(delivery.body) == {
        "type": "customer.stage_changed",
        "timestamp": "2026-06-01T08:00:00.000Z",
        "data": {"customerNo": "C1", "from": "new", "to": "growing", "on": "2026-06-01"},
    }
    assert await stages.noted(bank, ["C1", "C2", "NOBODY"]) == {
        "C1": LifecycleStage.GROWING, "C2": LifecycleStage.NEW,
    }  # fmt: skip


async def test_of_many_who_note_a_life_event_at_once_one_tells_it(bank):
    await webhooks.create(bank, "https://a.example", (WebhookEvent.LIFE_EVENT,), request("hook"), enabled=True)
    await life_events.note(bank, [Noting("C1", None, "", []), Noting("C2", None, "MOVED|2026-05-01", [])], NOW)
    assert await life_events.noted(bank, ["C1", "C2", "C3"]) == {"C1": "", "C2": "MOVED|2026-05-01"}

    def noting():
        return Noting("C1", "", "MOVED|2026-06-01", [life_event("C1", "MOVED", DAY, NOW)])

    await asyncio.gather(*(life_events.note(bank, [noting()], NOW) for _ in range(4)))

    [delivery] = await told(bank)
    assert json.loads(delivery.body) == {
        "type": "customer.life_event",
        "timestamp": "2026-06-01T08:00:00.000Z",
        "data": {"customerNo": "C1", "event": "MOVED", "on": "2026-06-01"},
    }
    assert delivery.customer_no == "C1"
    assert await life_events.noted(bank, ["C1"]) == {"C1": "MOVED|2026-06-01"}
