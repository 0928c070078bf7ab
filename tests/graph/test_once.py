"""Keys of writes: made with what they stand for, or not at all, and deleted when they have expired."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from neo4j.exceptions import ConstraintError

from graph import once
from graph.errors import KeyReused
from graph.once import CLAIM, KEPT, Request, sweep, write_once

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WRITE = f"MATCH (c:Customer {{customer_no: $no}}) {CLAIM} CREATE (:Interaction {{interaction_id: $recorded_as}})"


@pytest.fixture
async def bank(empty_store):
    await empty_store.write("CREATE (:Customer {customer_no: 'C1', kind: 'person'})")
    return empty_store


async def count(store, label):
    return (await store.read(f"MATCH (n:{label}) RETURN count(n) AS n"))[0]["n"]


def request(recorded_as="A", *, key="K", fingerprint="F", now=NOW):
    return Request(key, fingerprint, recorded_as, now)


async def test_the_first_write_of_a_key_is_the_only_one(bank):
    first = await write_once(bank, request("A"), WRITE, no="C1")
    again = await write_once(bank, request("B", now=NOW + KEPT - timedelta(seconds=1)), WRITE, no="C1")

    assert first == again
    assert (first["recorded_as"], await count(bank, "Interaction")) == ("A", 1)


async def test_another_input_is_refused(bank):
    await write_once(bank, request(), WRITE, no="C1")

    with pytest.raises(KeyReused):
        await write_once(bank, request("B", fingerprint="G"), WRITE, no="C1")


async def test_a_write_that_fails_leaves_its_key_free(bank):
    failing = f"{WRITE} CREATE (:Interaction {{interaction_id: $recorded_as}})"

    with pytest.raises(ConstraintError):
        await write_once(bank, request(), failing, no="C1")

    assert (await count(bank, "IdempotencyKey"), await count(bank, "Interaction")) == (0, 0)
    assert await write_once(bank, request(), WRITE, no="C1") is not None


async def test_what_is_not_there_claims_nothing(bank):
    assert await write_once(bank, request(), WRITE, no="NOBODY") is None
    assert await count(bank, "IdempotencyKey") == 0


async def test_a_key_that_has_expired_stands_for_what_comes(bank):
    await write_once(bank, request(), WRITE, no="C1")

    claim = await write_once(bank, request("B", fingerprint="G", now=NOW + KEPT), WRITE, no="C1")

    assert (claim["recorded_as"], claim["expires_at"]) == ("B", NOW + KEPT + KEPT)
    assert (await count(bank, "IdempotencyKey"), await count(bank, "Interaction")) == (1, 2)


async def test_expired_keys_are_swept_however_many(bank, monkeypatch):
    monkeypatch.setattr(once, "SWEPT_AT_ONCE", 2)
    for n in range(5):
        await write_once(bank, request(f"{n}", key=f"{n}", now=NOW + timedelta(days=n)), WRITE, no="C1")

    assert await sweep(bank, NOW + KEPT + timedelta(days=2)) == 3
    assert await bank.read("MATCH (k:IdempotencyKey) RETURN k.request_key AS key ORDER BY key") == [
        {"key": "3"},
        {"key": "4"},
    ]


async def test_processes_may_sweep_at_once(bank):
    await bank.write(
        "UNWIND range(1, 500) AS n CREATE (:IdempotencyKey {request_key: toString(n), expires_at: $now})", now=NOW
    )

    swept = await asyncio.gather(*(sweep(bank, NOW) for _ in range(4)))

    assert await count(bank, "IdempotencyKey") == 0
    assert sum(swept) >= 500
