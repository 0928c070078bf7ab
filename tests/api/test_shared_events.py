"""Servers that share events through a real Redis, which goes and comes back."""

import asyncio
import json

import pytest
from redis import Redis

from api import shared_events
from api.shared_events import MOST_UNSENT, through_redis
from tests.waiting import PATIENCE, until

CHANGED = "subscription ($no: String!) { offersChanged(customerNo: $no) { customerNo } }"
CONSENT = 'mutation { setConsent(input: {customerNo: "ANNA", marketing: true}) { errors { code } } }'
HEARD = "subscription { interactionRecorded { interaction { kind note } customer { customerNo } missed } }"
RECORD = """mutation ($kind: String!) { recordInteraction(input: {customerNo: "ANNA", channel: PHONE, kind: $kind}) {
    errors { code } } }"""
ANNA_CHANGED = ("next", {"data": {"offersChanged": {"customerNo": "ANNA"}}})


@pytest.fixture
async def two(bank, serving, redis_server):
    """Two servers on one Redis, each of which hears the other."""
    async with (
        serving(bank, share=through_redis(redis_server.url, "guanxi")) as one,
        serving(bank, share=through_redis(redis_server.url, "guanxi")) as other,
    ):
        await heard_by(redis_server, 2)
        yield one, other


async def heard_by(redis_server, servers):
    with Redis.from_url(redis_server.url) as redis:
        await until(lambda: dict(redis.pubsub_numsub("guanxi:events")) == {b"guanxi:events": servers})


async def heard(stream):
    name, told = await stream.hear()
    assert (name, [*told]) == ("next", ["data"])
    return told["data"]["interactionRecorded"]


async def record(server, bearers, kind):
    assert await server.ask(RECORD, bearers.manager, kind=kind) == {"data": {"recordInteraction": {"errors": []}}}


async def test_a_change_at_one_server_wakes_a_listener_at_the_other(two, bearers):
    one, other = two
    async with other.listen(CHANGED, bearers.anna, no="ANNA") as stream:
        await until(lambda: other.changes.listeners == 1)
        await one.ask(CONSENT, bearers.admin)

        assert await stream.hear() == ANNA_CHANGED


async def test_an_interaction_at_one_server_is_told_once_at_both(two, bearers):
    one, other = two
    async with one.listen(HEARD, bearers.manager) as here, other.listen(HEARD, bearers.admin) as there:
        await until(lambda: one.interactions.listeners == other.interactions.listeners == 1)
        for kind in ("call", "visit"):
            await record(one, bearers, kind)

        for stream in (here, there):
            told = [await heard(stream) for _ in range(2)]
            assert [one["interaction"]["kind"] for one in told] == ["call", "visit"]


async def test_servers_of_another_prefix_hear_nothing(two, bank, serving, redis_server, bearers):
    one, _ = two
    async with (
        serving(bank, share=through_redis(redis_server.url, "elsewhere")) as foreign,
        foreign.listen(HEARD, bearers.admin) as stream,
    ):
        await until(lambda: foreign.interactions.listeners == 1)
        await record(one, bearers, "theirs")
        await record(foreign, bearers, "own")

        assert (await heard(stream))["interaction"]["kind"] == "own"


async def test_redis_is_told_numbers_and_ids_and_no_more(two, redis_server, bearers):
    one, _ = two
    with Redis.from_url(redis_server.url) as redis, redis.pubsub() as hearing:
        hearing.subscribe("guanxi:events")
        assert hearing.get_message(timeout=PATIENCE)["type"] == "subscribe"
        await record(one, bearers, "call")
        told = [json.loads(hearing.get_message(timeout=PATIENCE)["data"])]
        while "changed" not in told[-1]:
            told.append(json.loads(hearing.get_message(timeout=PATIENCE)["data"]))

    recorded, changed = (event for event in told if "missed" not in event)  # as servers say that connect
    assert sorted(recorded) == ["from", "recorded"]
    assert sorted(recorded["recorded"]) == ["customer_no", "interaction_id", "manager_no"]
    assert sorted(changed) == ["changed", "from"]


async def test_while_redis_is_away_own_events_go_on_and_when_it_is_back_the_others_come(
    two, redis_server, bearers, caplog
):
    one, other = two
    async with one.listen(HEARD, bearers.admin) as here, other.listen(HEARD, bearers.admin) as there:
        await until(lambda: one.interactions.listeners == other.interactions.listeners == 1)
        redis_server.kill()
        await until(lambda: caplog.text.count("Redis is away") == 2)
        await record(one, bearers, "while away")
        assert (await heard(here))["interaction"]["kind"] == "while away"

        redis_server.start()
        await heard_by(redis_server, 2)
        await record(one, bearers, "when back")
        told = [await heard(there)]
        if told[0]["interaction"]["kind"] == "while away":  # the other came back first
            told.append(await heard(there))
        assert (told[0]["missed"], told[-1]["interaction"]["kind"]) == (None, "when back")
    await until(lambda: caplog.text.count("Redis is back") == 2)


async def test_when_redis_is_back_all_listen_anew_to_what_they_may_have_missed(two, redis_server, bearers):
    _, other = two
    async with other.listen(CHANGED, bearers.anna, no="ANNA") as stream:
        await until(lambda: other.changes.listeners == 1)
        redis_server.kill()
        redis_server.start()

        assert await stream.hear() == ANNA_CHANGED


async def test_a_server_starts_and_serves_without_its_redis(bank, serving, redis_server, bearers):
    redis_server.kill()
    async with serving(bank, share=through_redis(redis_server.url, "guanxi")) as server:
        async with server.listen(CHANGED, bearers.anna, no="ANNA") as stream:
            await until(lambda: server.changes.listeners == 1)
            await server.ask(CONSENT, bearers.admin)
            assert await stream.hear() == ANNA_CHANGED

        redis_server.start()
        await heard_by(redis_server, 1)


async def test_a_redis_that_says_nothing_is_left(bank, serving, redis_server, monkeypatch, caplog):
    assert shared_events.QUIET_SECONDS == 10
    monkeypatch.setattr(shared_events, "QUIET_SECONDS", 1)
    async with serving(bank, share=through_redis(redis_server.url, "guanxi")):
        await heard_by(redis_server, 1)
        await asyncio.sleep(3)
        assert "Redis is away" not in caplog.text

        redis_server.pause()
        await until(lambda: "Redis is away" in caplog.text)
        redis_server.resume()
        await until(lambda: "Redis is back" in caplog.text)


@pytest.mark.parametrize(
    "said",
    [
        b"\xff",
        b"{",
        b"[" * 100_000,
        b"null",
        b"{}",
        b'{"changed": 3}',
        b'{"recorded": {"interaction_id": "1", "customer_no": "ANNA"}}',
        b'{"recorded": {"interaction_id": [], "customer_no": "ANNA", "manager_no": null}}',
    ],
    ids=lambda said: said[:20],
)
async def test_what_others_say_on_the_channel_is_ignored(two, redis_server, bearers, said, caplog):
    one, other = two
    with Redis.from_url(redis_server.url) as redis:
        redis.publish("guanxi:events", said)
    await until(lambda: caplog.text.count("that is not guanxi's was ignored") == 2)

    async with other.listen(CHANGED, bearers.anna, no="ANNA") as stream:
        await until(lambda: other.changes.listeners == 1)
        await one.ask(CONSENT, bearers.admin)
        assert await stream.hear() == ANNA_CHANGED


async def test_what_waits_for_redis_is_bounded_and_others_are_told_that_they_missed_some(
    two, redis_server, bearers, monkeypatch
):
    one, other = two
    monkeypatch.setattr(shared_events, "QUIET_SECONDS", 600)  # a slow machine must not take the pause for an end
    async with other.listen(HEARD, bearers.admin) as there:
        await until(lambda: other.interactions.listeners == 1)
        await record(one, bearers, "heard")  # and with it, all that was said as they connected
        await heard(there)
        redis_server.pause()
        for kind in ("being sent", "dropped"):
            await record(one, bearers, kind)
        for _ in range(MOST_UNSENT):
            one.changes.publish("BO")
        await record(one, bearers, "kept")
        redis_server.resume()

        told = [await heard(there) for _ in range(2)]
        assert [one["interaction"]["kind"] for one in told] == ["being sent", "kept"]
        assert [one["missed"] for one in told] == [0, None]
