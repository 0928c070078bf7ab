"""``interactionRecorded``: who is told what, and what happens to those who read too slowly."""

import asyncio
import tracemalloc
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from api.events import MOST_WAITING, Interactions, Recorded
from api.roles import Role
from tests.waiting import until

HEARD = """subscription ($no: String) { interactionRecorded(customerNo: $no) {
    interaction { interactionId kind note product { productCode } } customer { customerNo } missed } }"""
NOTES = " ".join(f"a{number}: note" for number in range(30))
MUCH_HEARD = f"subscription {{ interactionRecorded {{ interaction {{ {NOTES} }} }} }}"
RECORD = """mutation ($no: String!, $key: String!, $kind: String!, $note: String) { recordInteraction(input: {
    customerNo: $no, channel: PHONE, kind: $kind, note: $note, productCode: "FUND", idempotencyKey: $key
}) { interaction { interactionId } errors { code } } }"""
KEYS = map("key {}".format, count())
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
async def nobody_is_left(server):
    """Wait, after each test, until nothing listens for a client that is gone."""
    yield
    await until(lambda: server.changes.listeners == server.interactions.listeners == 0)


@pytest.fixture
def record(server, bearers):
    async def recorded(customer_no, kind, key=None, note="asked"):
        answer = await server.ask(RECORD, bearers.admin, no=customer_no, kind=kind, key=key or next(KEYS), note=note)
        told = answer["data"]["recordInteraction"]
        assert told["errors"] == []
        return told["interaction"]["interactionId"]

    return recorded


async def heard(stream):
    name, told = await stream.hear()
    assert (name, [*told]) == ("next", ["data"])
    return told["data"]["interactionRecorded"]


async def kinds(stream, number):
    return [(await heard(stream))["interaction"]["kind"] for _ in range(number)]


async def test_a_manager_is_told_what_happens_in_his_book_and_no_more(server, bearers, record):
    async with server.listen(HEARD, bearers.manager) as stream:
        await until(lambda: server.interactions.listeners == 1)
        await record("BO", "visit")
        for number in range(2 * MOST_WAITING):
            server.interactions.publish(Recorded(f"{number}", "BO", "M2"))
        interaction_id = await record("ANNA", "call")

        assert await heard(stream) == {
            "interaction": {
                "interactionId": interaction_id,
                "kind": "call",
                "note": "asked",
                "product": {"productCode": "FUND"},
            },
            "customer": {"customerNo": "ANNA"},
            "missed": 0,
        }


async def test_an_administrator_is_told_of_all_customers_or_of_one(server, bearers, record):
    async with server.listen(HEARD, bearers.admin) as all_, server.listen(HEARD, bearers.admin, no="BO") as one:
        await until(lambda: server.interactions.listeners == 2)
        for customer_no, kind in [("ANNA", "1"), ("BO", "2"), ("NOTHING", "3"), ("BO", "4")]:
            await record(customer_no, kind)

        assert await kinds(all_, 4) == ["1", "2", "3", "4"]
        assert await kinds(one, 2) == ["2", "4"]


async def test_what_is_sent_again_is_told_once(server, bearers, record):
    async with server.listen(HEARD, bearers.admin) as stream:
        await until(lambda: server.interactions.listeners == 1)
        for _ in range(2):
            await record("ANNA", "call", "the same key")
        await record("ANNA", "visit")

        assert await kinds(stream, 2) == ["call", "visit"]


async def test_a_customer_who_left_the_book_before_it_was_told_is_not_told_of_and_what_was_missed_before_him_is(
    server, bearers, record
):
    async with server.listen(HEARD, bearers.manager) as stream:
        await until(lambda: server.interactions.listeners == 1)
        server.interactions.lose_count()
        server.interactions.publish(Recorded("any", "BO", "M1"))
        await record("CLARA", "call")
        await record("CLARA", "visit")

        told = [await heard(stream) for _ in range(2)]
        assert [one["interaction"]["kind"] for one in told] == ["call", "visit"]
        assert [one["missed"] for one in told] == [None, 0]


@pytest.mark.parametrize(
    ("who", "no", "code"),
    [
        ("anna", None, "FORBIDDEN"),
        ("anna", "ANNA", "FORBIDDEN"),
        ("marketing", None, "FORBIDDEN"),
        ("partner", None, "FORBIDDEN"),
        ("manager", "BO", "NOT_FOUND"),
        ("admin", "NOBODY", "NOT_FOUND"),
    ],
)
async def test_it_is_for_those_who_serve_the_customer(server, bearers, who, no, code):
    async with server.listen(HEARD, getattr(bearers, who), no=no) as stream:
        _, told = await stream.hear()
        assert [error["extensions"]["code"] for error in told["errors"]] == [code]
        assert await stream.hear() == ("complete", None)


async def test_it_ends_with_the_token(server, rules):
    async with server.listen(HEARD, rules.issue(Role.ADMIN, hours=2 / 3600)) as stream:
        _, told = await stream.hear()
        assert [error["extensions"] for error in told["errors"]] == [{"code": "UNAUTHENTICATED"}]


async def test_of_more_than_may_wait_the_oldest_are_dropped_and_counted():
    interactions = Interactions()
    reader = interactions.of(lambda recorded: recorded.customer_no == "ANNA", datetime.now(UTC) + HOUR)
    first = asyncio.create_task(anext(reader))
    await asyncio.sleep(0)

    tracemalloc.start()
    for number in range(100_000):
        interactions.publish(Recorded(f"{number}", "ANNA", "M1"))
        interactions.publish(Recorded(f"{number}", "BO", "M2"))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    told = [await first] + [await anext(reader) for _ in range(MOST_WAITING - 1)]
    assert [recorded.interaction_id for recorded, _ in told] == [f"{number}" for number in range(99_900, 100_000)]
    assert [missed for _, missed in told] == [99_900] + [0] * 99
    assert held < 100_000
    await reader.aclose()
    assert interactions.listeners == 0


async def test_what_waits_is_not_told_as_after_a_gap_that_came_later():
    interactions = Interactions()
    reader = interactions.of(lambda _: True, datetime.now(UTC) + HOUR)
    first = asyncio.create_task(anext(reader))
    await asyncio.sleep(0)
    interactions.publish(Recorded("before", "ANNA", "M1"))
    interactions.lose_count()
    interactions.publish(Recorded("after", "ANNA", "M1"))

    told = [await first, await anext(reader)]
    assert [(recorded.interaction_id, missed) for recorded, missed in told] == [("before", 0), ("after", None)]
    await reader.aclose()


async def test_of_what_is_dropped_around_a_gap_no_number_is_told():
    interactions = Interactions()
    reader = interactions.of(lambda _: True, datetime.now(UTC) + HOUR)
    first = asyncio.create_task(anext(reader))
    await asyncio.sleep(0)
    interactions.lose_count()
    for number in range(2 * MOST_WAITING):
        interactions.publish(Recorded(f"{number}", "ANNA", "M1"))

    assert await first == (Recorded(f"{MOST_WAITING}", "ANNA", "M1"), None)
    await reader.aclose()


@pytest.mark.parametrize("transport", ["events", "socket"])
async def test_a_server_keeps_no_more_for_who_reads_nothing_than_may_wait(server, bearers, record, deaf, transport):
    async with deaf(server, transport, bearers.admin, MUCH_HEARD):
        await until(lambda: server.interactions.listeners == 1)
        long = await record("ANNA", "call", note="x" * 2_000)
        [inbox] = server.interactions._inboxes
        while not inbox.waiting or inbox.waiting[0][1] < 1_000:  # until then it still takes some
            server.interactions.publish(Recorded(long, "ANNA", "M1"))
            await asyncio.sleep(0.001)

        tracemalloc.start()
        for _ in range(20_000):
            server.interactions.publish(Recorded(long, "ANNA", "M1"))
            await asyncio.sleep(0)
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert inbox.waiting[0][1] > 20_000
        assert len(inbox.waiting) == MOST_WAITING
        assert held < 200_000

    await until(lambda: server.interactions.listeners == 0)
