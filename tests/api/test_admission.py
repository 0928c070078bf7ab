import asyncio
import json
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed

from api.admission import Admission
from api.errors import Exceeded
from api.limits import Limits
from api.rates import Rate
from api.roles import Role
from graph.store import Store
from tests.waiting import PATIENCE, until

NAME = "{ __typename }"
READING = "{ customers(first: 1) { nodes { name } } }"
CHANGED = 'subscription { offersChanged(customerNo: "ANNA") { name } }'
SELDOM = 0.01
"""Requests a second: the first is let in, and the second not for a hundred seconds."""


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Gated(Store):
    """The real store, whose reads of pages of customers wait for a gate."""

    def __init__(self, *login):
        super().__init__(*login)
        self.gate, self.held = asyncio.Event(), 0
        self.gate.set()

    async def read(self, cypher, **parameters):
        if "AS customer ORDER BY" in cypher:
            self.held += 1
            await self.gate.wait()
            self.held -= 1
        return await super().read(cypher, **parameters)

    @contextmanager
    def shut(self):
        self.gate.clear()
        try:
            yield
        finally:
            self.gate.set()


@pytest.fixture
async def gated(bank, login):  # noqa: ARG001 - it is filled
    async with Gated(*login) as store:
        yield store


def refusals(response):
    return [error["extensions"]["code"] for error in response.json().get("errors", ())]


async def hear(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))


async def say(socket, query, key="1"):
    await socket.send(json.dumps({"id": key, "type": "subscribe", "payload": {"query": query}}))


async def refused(socket):
    """The code that an operation is refused with."""
    message = await hear(socket)
    assert message["type"] == "error", message
    return message["payload"][0]["extensions"]["code"]


def test_a_key_has_a_burst_of_two_seconds_and_then_its_rate():
    clock = Clock()
    rate = Rate(5, clock)

    assert [rate.wait("a") for _ in range(10)] == [0] * 10
    assert rate.wait("a") == pytest.approx(0.2)
    assert rate.wait("b") == 0

    clock.now = 0.1
    assert rate.wait("a") == pytest.approx(0.1)
    clock.now = 0.2
    assert [rate.wait("a") == 0, rate.wait("a") == 0] == [True, False]
    clock.now = 100
    assert [rate.wait("a") for _ in range(10)] == [0] * 10
    assert rate.wait("a") > 0


@pytest.mark.parametrize("each_second", [0.3, 3, 7.7, 1000])
def test_over_a_long_time_no_more_come_than_the_rate(each_second):
    clock = Clock()
    rate = Rate(each_second, clock)
    let_in = 0
    for tick in range(40_000):
        clock.now = tick * 0.0025
        let_in += rate.wait("a") == 0

    assert let_in <= max(1, each_second * 2) + each_second * 100 + 1
    assert let_in >= min(each_second * 99, 40_000 * 0.99)


def test_what_is_idle_is_forgotten():
    clock = Clock()
    rate = Rate(1, clock)
    for key in range(10_000):
        clock.now = key * 0.01
        rate.wait(str(key))

    assert len(rate._idle_at) <= 1_000


async def test_a_token_that_asks_too_often_is_told_when_to_come_again(bank, serving, bearers, rules):
    async with serving(bank, limits=Limits(token_rate=SELDOM)) as server:
        first, second = [await server.post(NAME, bearers.anna) for _ in range(2)]
        another = await server.post(NAME, rules.issue(Role.CUSTOMER, "ANNA", hours=5))

    assert (first.status_code, another.status_code) == (200, 200)
    assert (second.status_code, refusals(second)) == (429, ["LIMIT_TOKEN_RATE"])
    assert 90 <= int(second.headers["retry-after"]) <= 100
    assert second.json()["errors"][0]["message"] == "0.01 requests a second is the most for a token."


async def test_a_client_is_a_subject_whatever_tokens_it_has(bank, serving, bearers, rules):
    async with serving(bank, limits=Limits(client_rate=SELDOM)) as server:
        tokens = [bearers.anna, rules.issue(Role.CUSTOMER, "ANNA", hours=5), bearers.bo]
        answers = [await server.post(NAME, token) for token in tokens]

    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert refusals(answers[1]) == ["LIMIT_CLIENT_RATE"]


async def test_who_guesses_at_tokens_is_an_address_and_slowed(bank, serving, bearers):
    async with serving(bank, limits=Limits(client_rate=SELDOM)) as server:
        guesses = [await server.post(NAME, guess) for guess in ("x.y.z", "guess", "other")]
        valid = await server.post(NAME, bearers.anna)

    assert [guess.status_code for guess in guesses] == [401, 429, 429]
    assert valid.status_code == 200


async def test_a_client_has_only_so_many_operations_under_way(gated, serving, bearers):
    async with serving(gated, limits=Limits(concurrent=2)) as server:
        with gated.shut():
            held = [asyncio.create_task(server.post(READING, bearers.admin)) for _ in range(2)]
            await until(lambda: gated.held == 2)
            third, other = await server.post(NAME, bearers.admin), await server.post(NAME, bearers.anna)
        statuses = [(await task).status_code for task in held]
        again = await server.post(NAME, bearers.admin)

    assert (third.status_code, refusals(third), third.headers["retry-after"]) == (429, ["LIMIT_CONCURRENT"], "1")
    assert third.json()["errors"][0]["extensions"] == {"code": "LIMIT_CONCURRENT", "found": 3, "most": 2}
    assert (other.status_code, statuses, again.status_code) == (200, [200, 200], 200)


async def test_a_busy_server_sheds_what_finds_too_many_waiting_and_recovers(gated, serving, bearers):
    async with serving(gated, limits=Limits(running=1, waiting=1)) as server:
        with gated.shut():
            running = asyncio.create_task(server.post(READING, bearers.admin))
            await until(lambda: gated.held == 1)
            others = [asyncio.create_task(server.post(NAME, bearer)) for bearer in (bearers.anna, bearers.bo)]
            [first], [waiting] = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
        shed, statuses = first.result(), [(await running).status_code, (await waiting).status_code]
        again = await server.post(NAME, bearers.bo)

    assert (shed.status_code, refusals(shed), shed.headers["retry-after"]) == (503, ["LIMIT_WAITING"], "1")
    assert (statuses, again.status_code) == ([200, 200], 200)


async def test_what_waits_for_too_long_is_refused_while_what_runs_goes_on(gated, serving, bearers):
    async with serving(gated, limits=Limits(running=1, waiting_seconds=0.2)) as server:
        with gated.shut():
            running = asyncio.create_task(server.post(READING, bearers.admin))
            await until(lambda: gated.held == 1)
            waited = await server.post(NAME, bearers.anna)
        served, again = await running, await server.post(NAME, bearers.anna)

    assert (waited.status_code, refusals(waited)) == (503, ["LIMIT_WAITING_SECONDS"])
    assert waited.headers["retry-after"] == "1"
    assert waited.json()["errors"][0]["message"] == (
        "The server is busy: operations wait for more than 0.2 seconds. Try again in 1 s."
    )
    assert (served.status_code, again.status_code) == (200, 200)


async def test_what_would_wait_for_too_long_by_how_long_others_took_is_refused_at_once():
    admission = Admission(Limits(running=1, waiting_seconds=0.25))

    async def hold(seconds):
        async with admission.operation("somebody"):
            await asyncio.sleep(seconds)

    for _ in range(100):
        await hold(0.01)
    assert admission._held_seconds > 0.005
    async with admission.operation("another"):
        waiting = [asyncio.create_task(hold(0)) for _ in range(10)]
        await asyncio.sleep(0)
        admission._held_seconds = 0.024
        admission.check_room()
        admission._held_seconds = 0.026
        with pytest.raises(Exceeded) as refused:
            admission.check_room()
    await asyncio.gather(*waiting)

    assert refused.value.extensions == {"code": "LIMIT_WAITING_SECONDS", "found": 0.3, "most": 0.25}
    admission.check_room()


async def test_a_busy_server_sheds_what_comes_over_a_socket_too(gated, serving, bearers):
    async with serving(gated, limits=Limits(running=1, waiting=1)) as server, server.socket(bearers.anna) as socket:
        with gated.shut():
            running = asyncio.create_task(server.post(READING, bearers.admin))
            await until(lambda: gated.held == 1)
            await say(socket, NAME, "1")
            await say(socket, NAME, "2")
            shed = await hear(socket)
        waited = await hear(socket)
        assert (await running).status_code == 200

    assert (shed["id"], shed["payload"][0]["extensions"]["code"]) == ("2", "LIMIT_WAITING")
    assert (waited["id"], waited["type"]) == ("1", "next")


async def test_under_many_times_what_it_can_do_a_server_answers_what_it_can(bank, serving, bearers):
    async with serving(
        bank, limits=Limits(running=2, waiting=4, concurrent=1_000, client_rate=1e6, token_rate=1e6)
    ) as server:
        statuses = [
            r.status_code for r in await asyncio.gather(*(server.post(READING, bearers.admin) for _ in range(80)))
        ]
        after = await server.post(READING, bearers.admin)

    assert set(statuses) == {200, 503}
    assert after.status_code == 200


async def test_what_takes_too_long_is_given_up_by_post_and_over_a_socket(gated, serving, bearers):
    async with serving(gated, limits=Limits(seconds=0.4)) as server, server.socket(bearers.admin) as socket:
        with gated.shut():
            posted = await server.post(READING, bearers.admin)
            await say(socket, READING)
            code = await refused(socket)
        await say(socket, NAME, "2")
        answered = await hear(socket)

    assert (posted.status_code, refusals(posted), code) == (504, ["LIMIT_SECONDS"], "LIMIT_SECONDS")
    assert posted.json()["errors"][0]["message"] == "The answer took longer than 0.4 seconds."
    assert answered["payload"]["data"] == {"__typename": "Query"}


async def test_a_subscription_may_take_longer_than_a_query(bank, serving, bearers):
    async with serving(bank, limits=Limits(seconds=1)) as server, server.socket(bearers.anna) as socket:
        await say(socket, CHANGED)
        await until(lambda: server.changes.listeners)
        await asyncio.sleep(1.2)
        server.changes.publish("ANNA")

        assert (await hear(socket))["payload"]["data"] == {"offersChanged": {"name": "Anna"}}


async def test_a_client_has_only_so_many_sockets(bank, serving, bearers):
    async with serving(bank, limits=Limits(sockets=1)) as server:
        async with server.socket(bearers.anna), server.socket(bearers.bo), server.socket() as second:
            await second.send(
                json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {bearers.anna}"}})
            )
            with pytest.raises(ConnectionClosed):
                await hear(second)
        async with server.socket(bearers.anna) as after:
            await say(after, NAME)
            assert (await hear(after))["type"] == "next"

    assert (second.close_code, second.close_reason) == (4429, "A client has 1 sockets at most.")


async def test_a_client_has_only_so_many_subscriptions_on_all_its_sockets(bank, serving, bearers):
    async with (
        serving(bank, limits=Limits(subscriptions=2)) as server,
        server.socket(bearers.anna) as one,
        server.socket(bearers.anna) as two,
    ):
        await say(one, CHANGED, "1")
        await say(one, CHANGED, "2")
        await say(one, NAME, "barrier")
        assert (await hear(one))["id"] == "barrier"
        await say(two, CHANGED, "3")
        code = await refused(two)
        await one.send(json.dumps({"id": "1", "type": "complete"}))
        await say(one, NAME, "done")
        while (await hear(one))["id"] != "done":
            pass
        await say(two, CHANGED, "3")
        await say(two, NAME, "query")
        answered = await hear(two)

    assert code == "LIMIT_SUBSCRIPTIONS"
    assert answered["id"] == "query"


async def test_the_rate_of_a_client_holds_for_a_socket_too(bank, serving, bearers):
    async with serving(bank, limits=Limits(client_rate=SELDOM)) as server, server.socket(bearers.anna) as socket:
        await say(socket, NAME)

        assert await refused(socket) == "LIMIT_CLIENT_RATE"


async def test_a_document_is_measured_over_a_socket_too(bank, serving, bearers):
    async with serving(bank, limits=Limits(query_bytes=20)) as server, server.socket(bearers.anna) as socket:
        await say(socket, NAME + "#" * 20)

        assert await refused(socket) == "LIMIT_QUERY_BYTES"
