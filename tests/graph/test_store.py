import socket
from datetime import UTC, date, datetime

import pytest
from neo4j.exceptions import ClientError

from graph.errors import StoreRefused, StoreUnavailable
from graph.store import Store


async def test_a_written_node_is_read_back(empty_store):
    await empty_store.write("CREATE (:Customer {customer_no: $number})", number="C1")

    assert await empty_store.read("MATCH (c:Customer) RETURN c.customer_no AS number") == [{"number": "C1"}]


async def test_dates_and_times_come_back_as_pythons_own(empty_store):
    day, moment = date(2026, 6, 30), datetime(2026, 6, 30, 9, 30, tzinfo=UTC)
    await empty_store.write("CREATE (:Event {day: $day})", day=day)

    [row] = await empty_store.read("MATCH (e:Event) RETURN $moment AS moment, [{day: e.day}] AS nested", moment=moment)

    assert row == {"moment": moment, "nested": [{"day": day}]}
    assert type(row["nested"][0]["day"]) is date


async def test_a_moment_comes_back_in_utc_whatever_zone_it_was_written_in(empty_store):
    moment = datetime.fromisoformat("2026-06-30T07:30:00+08:00")
    await empty_store.write("CREATE (:Event {moment: $moment})", moment=moment)

    [row] = await empty_store.read("MATCH (e:Event) RETURN e.moment AS moment")
    assert row["moment"].isoformat() == "2026-06-29T23:30:00+00:00"


async def test_a_write_that_fails_half_way_leaves_nothing(empty_store):
    with pytest.raises(ClientError):
        await empty_store.write("UNWIND [1, 2, 0] AS n CREATE (:Half {n: n, inverse: 1 / n})")

    assert await empty_store.read("MATCH (h:Half) RETURN count(h) AS n") == [{"n": 0}]


async def test_a_stream_yields_every_row_in_order(empty_store):
    await empty_store.write("UNWIND range(1, 2500) AS n CREATE (:Row {n: n})")

    rows = [row["n"] async for row in empty_store.stream("MATCH (r:Row) RETURN r.n AS n ORDER BY n")]

    assert rows == list(range(1, 2501))


async def test_wrong_credentials_are_refused_by_name_of_the_setting(login):
    async with Store(login[0], login[1], "not the password", login[3]) as stranger:
        with pytest.raises(StoreRefused, match="NEO4J_PASSWORD"):
            await stranger.read("RETURN 1")


async def test_a_store_that_is_down_is_unavailable():
    async with Store("bolt://127.0.0.1:1", "root", "x", "bank", retry_seconds=0) as nobody:
        with pytest.raises(StoreUnavailable, match="is it running"):
            await nobody.read("RETURN 1")


async def test_a_store_that_answers_is_there(store):
    await store.ping(60)


async def test_a_store_that_takes_connections_and_says_nothing_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        async with Store(f"bolt://127.0.0.1:{port}", "root", "x", "bank") as nobody:
            with pytest.raises(StoreUnavailable, match=f"{port} has not answered in 0.2 seconds"):
                await nobody.ping(0.2)
