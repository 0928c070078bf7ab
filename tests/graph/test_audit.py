"""The audit log: one chain whoever appends, and nothing of it can be changed unseen by who has not the secret."""

import asyncio
from datetime import UTC, datetime

import pytest
from neo4j.exceptions import TransientError

from graph.audit import AuditLog, Wanted, chain, entries
from graph.audit_checks import ChainBroken, check
from graph.audit_entries import MOST_SUBJECTS, Act, AuditAction, AuditKey, AuditOutcome, Head
from graph.errors import StoreRefused, StoreUnavailable
from graph.store import Store

KEY = AuditKey("the secret of the tests' audit log")


def act(actor="M1", **own):
    return Act(actor, AuditAction.READ, "customer", **own)


@pytest.fixture
async def log(empty_store):
    return AuditLog(empty_store, KEY)


@pytest.fixture
async def five(log):
    for number in range(5):
        await log.append([act(f"M{number}", customers=[f"C{number}"])])
    return log


async def stored(log):
    return [entry async for entry in entries(log.store, 0)]


async def test_an_empty_log_holds(log):
    assert (await check(log.store, KEY)).count == 0


async def test_what_is_appended_is_chained_and_holds(log):
    first = await log.append([act(customers=["C1", "C2"], role="ADMIN", request_id="r", details={"count": 2})])
    last = await log.append([act("M2"), act("M3", outcome=AuditOutcome.DENIED, codes=["NOT_FOUND"])])
    found = await stored(log)

    assert (first.entry_no, last.entry_no, last.hash) == (1, 3, found[2]["hash"])
    assert [entry["previous"] for entry in found] == ["genesis", found[0]["hash"], found[1]["hash"]]
    assert found[0] | {"subjects": set(found[0]["subjects"])} == {
        "entry_no": 1, "entry_id": found[0]["entry_id"], "at": found[0]["at"], "actor": "M1", "role": "ADMIN",
        "action": "read", "operation": "customer", "outcome": "allowed", "codes": [], "request_id": "r",
        "subjects": {KEY.pseudonym("C1"), KEY.pseudonym("C2")}, "details": '{"count": 2}',
        "previous": "genesis", "hash": first.hash,
    }  # fmt: skip
    checked = await check(log.store, KEY)
    assert (checked.count, checked.end) == (3, last)


async def test_many_customers_are_several_entries(log):
    numbers = [f"C{number}" for number in range(MOST_SUBJECTS + 1)]
    await log.append([act(customers=numbers)])
    found = await stored(log)

    assert [len(entry["subjects"]) for entry in found] == [MOST_SUBJECTS, 1]
    assert {pseudonym for entry in found for pseudonym in entry["subjects"]} == set(map(KEY.pseudonym, numbers))
    assert (await check(log.store, KEY)).count == 2


async def test_an_actor_is_stored_whatever_his_token_says(log):
    await log.append([act("a\0\ud800中")])

    assert [entry["actor"] for entry in await stored(log)] == ["a??中"]
    assert (await check(log.store, KEY)).count == 1


TAMPERED = {
    "changed": ("MATCH (e:AuditEntry {entry_no: 3}) SET e.actor = 'nobody'", "Entry 3 was changed, moved or inserted: its hash is not that of what it tells."),
    "a column more": ("MATCH (e:AuditEntry {entry_no: 3}) SET e.note = 'mine'", "Entry 3 was changed, moved or inserted: its hash is not that of what it tells."),
    "one missing": ("MATCH (e:AuditEntry {entry_no: 3}) DETACH DELETE e", "Entry 3 is missing."),
    "two missing": ("MATCH (e:AuditEntry) WHERE e.entry_no IN [2, 3] DETACH DELETE e", "Entries 2 to 3 are missing."),
    "the first missing": ("MATCH (e:AuditEntry {entry_no: 1}) DETACH DELETE e", "Entry 1 is missing."),
    "the last missing": ("MATCH (e:AuditEntry {entry_no: 5}) DETACH DELETE e", "Entries 5 to 5 are missing: the chain's head is 5."),
    "all missing": ("MATCH (e:AuditEntry) DETACH DELETE e", "Entries 1 to 5 are missing: the chain's head is 5."),
    "one inserted after the end": ("CREATE (e:AuditEntry {entry_no: 6, previous: 'x', hash: 'y'})", "Entry 6 was changed, moved or inserted: its hash is not that of what it tells."),
    "the head moved": ("MATCH (c:AuditChain) SET c.entry_no = 4", "Entry 5 was inserted: the chain's head is 4."),
    "the head's hash": ("MATCH (c:AuditChain) SET c.hash = 'x'", "Entry 5 is not the chain's head."),
    "the chain's node missing": ("MATCH (c:AuditChain) DETACH DELETE c", "Entry 1 was inserted: the chain's head is 0."),
    "pruned by somebody else": (
        "MATCH (c:AuditChain), (e:AuditEntry {entry_no: 1}) SET c.pruned_no = 1, c.pruned_hash = e.hash, c.pruned_seal = 'x' DETACH DELETE e",
        "Entries 1 to 1 are missing: they were not pruned by guanxi.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("cypher", "told"), TAMPERED.values(), ids=TAMPERED)
async def test_what_was_done_to_the_log_is_named(five, cypher, told):
    await five.store.write(cypher)

    with pytest.raises(ChainBroken) as broken:
        await check(five.store, KEY)

    assert str(broken.value) == told


async def test_entries_that_changed_places_are_named(five):
    await five.store.write("MATCH (e:AuditEntry {entry_no: 2}) SET e.entry_no = 9")
    await five.store.write("MATCH (e:AuditEntry {entry_no: 3}) SET e.entry_no = 2")
    await five.store.write("MATCH (e:AuditEntry {entry_no: 9}) SET e.entry_no = 3")

    with pytest.raises(ChainBroken, match="Entry 2 was changed, moved or inserted"):
        await check(five.store, KEY)


async def test_an_entry_of_another_time_in_place_of_a_later_one_is_named(five):
    [*_, fourth, fifth] = await stored(five)
    await five.store.write("MATCH (e:AuditEntry {entry_no: 5}) DETACH DELETE e")
    await five.store.write("MATCH (c:AuditChain) SET c.entry_no = 4, c.hash = $hash", hash=fourth["hash"])
    await five.append([act("what is to be hidden")])
    await five.append([act("M6")])
    await five.store.write("MATCH (e:AuditEntry {entry_no: 5}) SET e = $entry", entry=fifth)

    with pytest.raises(ChainBroken, match="Entry 6 does not follow entry 5: one of them is of another time"):
        await check(five.store, KEY)


async def test_a_chain_written_anew_without_the_secret_does_not_hold(five):
    other = AuditLog(five.store, AuditKey("another secret, of somebody else"))
    await five.store.write("MATCH (n) WHERE n:AuditEntry OR n:AuditChain DETACH DELETE n")
    await other.append([act()])
    await five.store.write("MATCH (c:AuditChain) SET c.key_name = $name", name=KEY.name)

    with pytest.raises(ChainBroken, match="Entry 1 was changed"):
        await check(five.store, KEY)


async def test_a_head_kept_elsewhere_tells_of_a_tail_cut_off_with_its_head(five):
    kept = (await check(five.store, KEY)).end
    assert (await check(five.store, KEY, kept)).end == kept
    last = (await stored(five))[3]
    await five.store.write("MATCH (e:AuditEntry {entry_no: 5}) DETACH DELETE e")
    await five.store.write("MATCH (c:AuditChain) SET c.entry_no = 4, c.hash = $hash", hash=last["hash"])

    assert (await check(five.store, KEY)).count == 4
    with pytest.raises(ChainBroken, match="Entries 5 to 5 are missing: the head that was kept"):
        await check(five.store, KEY, kept)
    await five.append([act("another")])
    with pytest.raises(ChainBroken, match="Entry 5 is not the one whose head was kept"):
        await check(five.store, KEY, kept)


async def test_another_secret_appends_nothing(five):
    other = AuditLog(five.store, AuditKey("another secret, of another server"))

    with pytest.raises(StoreRefused, match="GUANXI_AUDIT_SECRET"):
        await other.append([act()])
    with pytest.raises(ChainBroken, match="another secret"):
        await check(five.store, other.key)
    assert (await check(five.store, KEY)).count == 5


async def test_a_chain_that_lost_its_node_is_not_begun_anew_over_its_entries(five):
    await five.store.write("MATCH (c:AuditChain) DETACH DELETE c")

    with pytest.raises(StoreRefused, match="guanxi audit verify"):
        await five.append([act()])
    assert len(await stored(five)) == 5


async def test_many_stores_at_once_append_to_one_chain(log, login):
    """Each as a server does: with connections of its own."""
    async with Store(*login, 60) as one, Store(*login, 60) as other:
        logs = [AuditLog(store, KEY) for store in (one, other)]

        async def busy(own, name):
            return [await own.append([act(f"{name}-{number}")]) for number in range(15)]

        heads = await asyncio.gather(*(busy(own, f"{number}-{n}") for number, own in enumerate(logs) for n in range(2)))

    assert sorted(head.entry_no for own in heads for head in own) == list(range(1, 61))
    assert len({entry["actor"] for entry in await stored(log)}) == 60
    assert (await check(log.store, KEY)).count == 60


@pytest.mark.parametrize("committed", [True, False])
async def test_a_try_that_nobody_heard_of_doubles_nothing(log, login, monkeypatch, committed):
    await log.append([act("before")])
    async with Store(*login) as store:
        run, tries = store.transact, []

        async def unheard(work):
            async def again(run):
                tries.append(run)
                if len(tries) == 1 and not committed:
                    await work(run)
                    raise TransientError("the connection is lost before the commit")
                return await work(run)

            if committed:
                await run(again)
                await log.append([act("of another server")])
            return await run(again)

        monkeypatch.setattr(store, "transact", unheard)
        await AuditLog(store, KEY).append([act("once")])

    assert len(tries) == 2
    others = ["of another server"] if committed else []
    assert [entry["actor"] for entry in await stored(log)] == ["before", "once", *others]
    assert (await check(log.store, KEY)).count == 2 + len(others)


async def test_a_store_that_is_down_is_told(login):
    async with Store("bolt://127.0.0.1:1", *login[1:], 0) as down:
        with pytest.raises(StoreUnavailable):
            await AuditLog(down, KEY).append([act()])


async def test_entries_are_found_by_whom_and_what_and_when(log):
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    await log.append([
        act("M1", customers=["C1"], at=early), act("M2", customers=["C1", "C2"], at=late),
        act("M2", outcome=AuditOutcome.DENIED, customers=["C3"], at=late),
    ])  # fmt: skip

    async def found(**wanted):
        return [entry["entry_no"] for entry in await log.page(Wanted(**wanted), 10)]

    assert await found() == [3, 2, 1]
    assert await found(subject=KEY.pseudonym("C1")) == [2, 1]
    assert await found(actor="M2") == [3, 2]
    assert await found(outcome="denied") == [3]
    assert await found(since="2026-01-15") == [3, 2]
    assert await found(until="2026-01-15") == [1]
    assert [e["entry_no"] for e in await log.page(Wanted(), 1, before=3)] == [2]
    assert [e["entry_no"] for e in await log.page(Wanted(), 1, after=1, newest=False)] == [2]
    assert await log.count(Wanted(actor="M2")) == 2


async def test_the_chain_tells_its_head(five):
    told = await chain(five.store)

    assert Head(told["entry_no"], told["hash"]) == (await check(five.store, KEY)).end
