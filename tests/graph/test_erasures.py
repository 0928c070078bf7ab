"""Erasure: nothing of the person stays, the bank's sums do, a proof is kept, and a crash leaves all or nothing."""

import asyncio
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from graph import browsing, customers, embedded, erasures, feedback, portfolio, subject
from graph.embedded import StoreFolder
from graph.erasures import Order, erase
from graph.errors import KeyReused, NotFound, SettingsError, StillOpen
from graph.filters import EVERYBODY, Column, Compared, Operator
from graph.once import Request
from graph.records import Interaction
from graph.searching import mentioning
from graph.store import Store
from graph.words import Channel

AT = datetime(2026, 7, 1, 8, 30, tzinfo=UTC)


def order(number="ZOE-7351", **given):
    return Order(number, "the desk", "she asked", AT, **given)


async def everything(store):
    """Every node and relationship, as text."""
    nodes = await store.read("MATCH (n) RETURN labels(n) AS labels, properties(n) AS own")
    edges = await store.read("MATCH ()-[r]->() RETURN type(r) AS labels, properties(r) AS own")
    return [json.dumps(found, default=str, sort_keys=True) for found in nodes + edges]


async def found_of(store, traces):
    return [text for text in await everything(store) if any(trace in text for trace in traces)]


async def test_nothing_of_the_person_is_left_in_the_graph(zoe):
    assert len({trace for trace in zoe.traces for text in await everything(zoe.store) if trace in text}) == len(
        zoe.traces
    )

    await erase(zoe.store, order(), zoe.secret)

    assert await found_of(zoe.store, zoe.traces) == []


async def test_what_nobody_thought_of_goes_too(zoe):
    await zoe.store.write(
        "MATCH (c:Customer {customer_no: $no}) CREATE (c)-[:WON]->(:Prize {name: 'a glass hat'})", no=zoe.number
    )

    await erase(zoe.store, order(), zoe.secret)

    assert await zoe.store.read("MATCH (n:Prize) RETURN n") == []


async def test_she_is_found_by_nothing(zoe):
    await erase(zoe.store, order(), zoe.secret)

    region = Compared(Column.REGION, Operator.EQ, "Yunnan")
    assert await customers.load(zoe.store, [zoe.number]) == []
    assert [page async for page in customers.pages(zoe.store, 10)] == [["OTTO"]]
    for wanted in (mentioning("zuckerkandl"), mentioning("zoe"), region):
        assert await browsing.page(zoe.store, wanted, browsing.Window()) == []
    assert await browsing.count(zoe.store, EVERYBODY) == await customers.count(zoe.store) == 1
    assert await subject.read(zoe.store, zoe.number) is None


async def test_others_keep_what_is_theirs_and_name_her_no_more(zoe):
    await erase(zoe.store, order(), zoe.secret)

    [otto] = await customers.load(zoe.store, ["OTTO"])
    [card] = (await subject.read(zoe.store, "OTTO"))["cards"]
    assert (otto.relations, otto.kin, [held.product_code for held in otto.holdings]) == ((), (), ["SAVE"])
    assert card == {"card_no": "CARD-OTTO", "customer_no": "OTTO"}
    assert await zoe.store.read("MATCH (m:Manager)-[:MANAGES]->(c) RETURN c") == []


async def holders(store):
    """Holders and openings by month of each product, as the portfolio is learnt from."""
    held = {}
    async for page in portfolio.pages(store, 2):
        for row in page:
            for code, opened, closed in row["holdings"]:
                held.setdefault(code, []).append((str(opened)[:7], str(closed)[:7]))
    return {code: sorted(spans) for code, spans in held.items()}


async def test_the_banks_sums_stay_as_they_were(zoe):
    before = await holders(zoe.store)

    await erase(zoe.store, order(), zoe.secret)

    assert await holders(zoe.store) == before == {
        "SAVE": [("2020-03", "None"), ("2020-03", "None")], "LOAN": [("2020-03", "2024-09")],
    }  # fmt: skip
    outcomes = await zoe.store.read("MATCH (t:Outcome) RETURN properties(t) AS own")
    assert [{name: value for name, value in row["own"].items() if name != "outcome_id"} for row in outcomes] == [{
        "product_code": "SAVE", "kind": "accept", "channel": "mobile", "model": "m1", "arm": "default",
        "at": datetime(2026, 6, 30, tzinfo=UTC),
    }]  # fmt: skip


async def test_what_is_learnt_from_reads_her_as_a_stranger(zoe):
    await erase(zoe.store, order(), zoe.secret)

    numbers = [row["customer_no"] async for page in portfolio.pages(zoe.store) for row in page]
    otto, stranger = await portfolio.load(zoe.store, numbers)

    assert (otto.customer_no, otto.attributes) == ("OTTO", {"pet": "cat"})
    assert replace(stranger, customer_no="", holdings=()) == replace(
        customers.profile({"customer_no": "", "kind": "person"}), holdings=()
    )
    assert [(held.product_code, held.opened_on, held.closed_on) for held in stranger.holdings] == [
        ("LOAN", date(2020, 3, 1), date(2024, 9, 1)),
        ("SAVE", date(2020, 3, 1), None),
    ]


@pytest.mark.parametrize(("neighbours", "kept"), [(19, None), (20, "Yunnan")])
async def test_a_region_is_kept_where_enough_others_live(empty_store, bank_of, neighbours, kept):
    await bank_of(empty_store, neighbours=neighbours)

    await erase(empty_store, order(), "s" * 32)

    assert (await empty_store.read("MATCH (n:Anonymous) RETURN n.region AS region")) == [{"region": kept}]


async def test_the_proof_is_found_by_who_knows_the_number_and_the_secret(zoe):
    proof = await erase(zoe.store, order(), zoe.secret)

    known = hmac.new(zoe.secret.encode(), b"ZOE-7351", hashlib.sha256).hexdigest()
    assert proof.digest == known
    assert await erasures.erasures(zoe.store, known) == await erasures.erasures(zoe.store) == [proof]
    assert await erasures.erasures(zoe.store, erasures.digest(zoe.secret, "OTTO")) == []
    assert (proof.at, proof.by, proof.reason) == (AT, "the desk", "she asked")
    assert {part: count for part, count in proof.counts.items() if count} == {
        "accounts": 1, "activity": 2, "cards": 1, "consents": 1, "deliveries": 1, "holdings": 2, "interactions": 2,
        "memberships": 1, "outcomes": 1, "relations": 1, "relations_stated_by_others": 1, "shadowed": 1,
    }  # fmt: skip


async def test_nothing_ties_the_proof_to_what_stays(zoe):
    proof = await erase(zoe.store, order(), zoe.secret)

    [stays] = await zoe.store.read("MATCH (n:Anonymous) RETURN properties(n) AS own, COUNT { (n)--(:Erasure) } AS tied")
    assert (stays["own"].keys(), stays["tied"]) == ({"anonymous_no", "kind"}, 0)
    assert proof.erasure_id not in str(stays)
    assert await zoe.store.read("MATCH (t:Outcome)--(n) RETURN n") == []


async def test_she_is_erased_once_however_often_it_is_asked(zoe):
    first = await erase(zoe.store, order(), zoe.secret)
    again = await erase(zoe.store, replace(order(), reason="asked again"), zoe.secret)

    assert again == first
    assert await erasures.erasures(zoe.store) == [first]


async def test_two_who_erase_at_once_get_one_proof(zoe):
    proofs = await asyncio.gather(*(erase(zoe.store, order(), zoe.secret) for _ in range(4)))

    assert proofs == await erasures.erasures(zoe.store) * 4


async def test_nobody_cannot_be_erased(zoe):
    with pytest.raises(NotFound, match="There is no customer 'NOBODY'"):
        await erase(zoe.store, order("NOBODY"), zoe.secret)


OPEN = {
    "credit": ("MATCH (:Customer {customer_no: 'ZOE-7351'})-[h:HOLDS]->(:Product {product_code: 'LOAN'}) REMOVE h.closed_on", "LOAN on credit"),
    "account": ("MATCH (a:Account {account_no: 'ACC-7351'}) REMOVE a.closed_on", "1 account"),
    "guarantee": ("MATCH (c:Customer {customer_no: 'OTTO'}), (p:Product {product_code: 'LOAN'}) CREATE (c)-[:HOLDS]->(p)", "1 guarantee"),
    "account that closes later": ("MATCH (a:Account {account_no: 'ACC-7351'}) SET a.closed_on = date('2026-07-02')", "1 account"),
}  # fmt: skip


@pytest.mark.parametrize("what", OPEN)
async def test_who_has_something_open_is_refused_unless_it_is_said(zoe, what):
    cypher, named = OPEN[what]
    await zoe.store.write(cypher)
    before = await everything(zoe.store)

    with pytest.raises(StillOpen, match=f"still has open: {named}. Close that first"):
        await erase(zoe.store, order(), zoe.secret)
    assert sorted(await everything(zoe.store)) == sorted(before)

    await erase(zoe.store, order(despite_open=True), zoe.secret)
    assert await found_of(zoe.store, zoe.traces) == []


async def test_another_secret_is_refused_before_anything_is_done(zoe):
    await erase(zoe.store, order(), zoe.secret)

    with pytest.raises(SettingsError, match="GUANXI_ERASURE_SECRET"):
        await erase(zoe.store, order("OTTO", despite_open=True), "another secret")
    assert await customers.count(zoe.store) == 1


async def test_numbers_of_the_erased_are_known_to_be_gone(zoe):
    await erase(zoe.store, order(), zoe.secret)

    asked = [("Customer", zoe.number), ("Account", "ACC-7351"), ("Card", "CARD-7351"),
             ("Customer", "ACC-7351"), ("Customer", "OTTO"), ("Account", "ACC-OTTO")]  # fmt: skip
    assert await erasures.gone(zoe.store, zoe.secret, asked) == set(asked[:3])


async def test_what_is_recorded_while_she_is_erased_goes_with_her(zoe):
    async def record(n):
        call = Interaction(f"late-{n}", Channel.PHONE, "call", AT, None, "glass again")
        with suppress(NotFound, KeyReused):
            await feedback.record_interaction(zoe.store, zoe.number, call, Request(f"{n}", "p", f"late-{n}", AT))

    await asyncio.gather(*map(record, range(8)), erase(zoe.store, order(), zoe.secret), *map(record, range(8, 16)))

    assert await found_of(zoe.store, [*zoe.traces, "late-"]) == []


ERASE = """
import asyncio, sys
from graph.erasures import Order, erase
from graph.store import Store
from datetime import UTC, datetime

async def main(uri, user, password, database):
    async with Store(uri, user, password, database) as store:
        print("ready", flush=True)
        sys.stdin.readline()
        await erase(store, Order("ZOE-7351", "the desk", "she asked", datetime(2026, 7, 1, 8, 30, tzinfo=UTC)), "s" * 32)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.embedded
@pytest.mark.parametrize("victim", ["store", "command"])
@pytest.mark.parametrize("moment", [0.2, 0.8])
async def test_a_kill_in_the_middle_leaves_all_or_nothing_and_running_again_finishes(
    tmp_path, bank_of, serving_pid, victim, moment
):
    folder = StoreFolder(tmp_path / "store")
    with embedded.join(tmp_path) as lease:
        login = lease.uri, lease.username, lease.password, lease.database
        async with Store(*login) as store:
            await bank_of(store)
            months = [{"no": f"ACC-7351-{n}", "owner": "ZOE-7351"} for n in range(2_000)]
            await store.write(
                "MATCH (c:Customer {customer_no: 'ZOE-7351'}) UNWIND $rows AS row "
                "CREATE (c)-[:OWNS]->(:Account {account_no: row.no, closed_on: date('2024-01-01')})-[:HAD]->(:Activity {month: row.no})",
                rows=months,
            )
            whole = sorted(await everything(store))
        eraser = subprocess.Popen(
            [sys.executable, "-c", ERASE, *login],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        eraser.stdout.readline()
        eraser.stdin.write(b"\n")
        eraser.stdin.flush()
        await asyncio.sleep(moment)
        os.kill(serving_pid(folder) if victim == "store" else eraser.pid, signal.SIGKILL)
        eraser.kill()
        eraser.communicate()
    with embedded.join(tmp_path) as lease:
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            left = sorted(await everything(store))
            if left != whole:
                assert [text for text in left if "-7351" in text] == []
            proof = await erase(store, order(), "s" * 32)
            assert (proof.counts["accounts"], proof.counts["activity"]) == (2_001, 2_002)
            assert [text for text in await everything(store) if "-7351" in text] == []
