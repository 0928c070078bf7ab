"""What is held on a customer, told to him and to administrators; and his erasure, after which nothing finds him."""

import asyncio
import json
from datetime import UTC, date, datetime

import pytest

from api.global_ids import global_id
from graph import customers
from graph.imports import import_rows
from recommenders import prospect_lists
from recommenders.prospects import Prospect, Tally
from tests.api.conftest import row
from tests.waiting import PATIENCE, until

REPORT = "query ($no: String!) { accessReport(customerNo: $no) { customerNo schema generatedAt document } }"
ERASE = """mutation ($no: String!, $reason: String!, $despite: Boolean! = false) {
  eraseCustomer(input: {customerNo: $no, reason: $reason, despiteOpenHoldings: $despite}) {
    erasure { erasureId digest at by reason removed { part count } } errors { code message path } } }"""
PROOFS = "query ($no: String!) { erasures(customerNo: $no) { erasureId reason } }"


async def report(server, bearer, no="ANNA"):
    return await server.ask(REPORT, bearer, no=no)


async def test_the_customer_and_administrators_read_the_same_report(server, bearers):
    own, staff = [(await report(server, bearer))["data"]["accessReport"] for bearer in (bearers.anna, bearers.admin)]

    for told in (own, staff):
        assert told["document"].pop("generated_at") == told["generatedAt"]
    assert own["document"] == staff["document"]
    document = own["document"]
    assert (
        (document["schema"], document["customer_no"]) == (own["schema"], "ANNA") == ("guanxi.access-report/1", "ANNA")
    )
    assert (document["held"]["profile"]["name"], document["held"]["profile"]["birth_date"]) == ("Anna", "1990-01-01")
    assert document["held"]["relations"] == [{"kind": "spouse", "since": None, "other_customer": "••••O"}]
    assert document["derived"] == {
        "as_of": datetime.now(UTC).date().isoformat(), "model": None, "lifecycle_stage": "mature", "value_tier": "low",
        "churn": None, "segment": None, "prospect_lists": [],
        "value": {"amount": 73.42, "yearly_margin": 20.0, "expected_years": 4.4, "monthly_retention": 0.95 ** (1 / 12), "learnt": False},
    }  # fmt: skip


@pytest.mark.parametrize(("who", "answer"), [("manager", "FORBIDDEN"), ("marketing", "FORBIDDEN"), ("partner", "FORBIDDEN"), ("bo", None)])  # fmt: skip
async def test_nobody_else_reads_it(server, bearers, who, answer):
    told = await report(server, getattr(bearers, who))

    assert told["data"] == {"accessReport": None}
    assert [error["extensions"]["code"] for error in told.get("errors", ())] == [answer] * (answer is not None)


@pytest.fixture
async def dora(bank):
    """A customer to be erased, with a husband and a card."""
    own = {"name": "Dora", "manager_no": "M1", "kind": "person", "birth_date": date(1990, 1, 1), "region": "Yunnan"}
    await import_rows(bank, "customers", [row("DORA", customer_no="DORA", **own)])
    held = {"customer_no": "DORA", "product_code": "CURRENT"}
    await import_rows(bank, "holdings", [row("DORA|CURRENT|", **held)])
    await import_rows(bank, "cards", [row("K-DORA", card_no="K-DORA", customer_no="DORA")])
    await import_rows(
        bank, "relations", [row("DORA|BO|spouse", from_customer_no="DORA", to_customer_no="BO", kind="spouse")]
    )
    yield "DORA"
    await bank.write("MATCH (n) WHERE n:Erasure OR n:ErasedKey OR n:Anonymous DETACH DELETE n")
    await bank.write("MATCH (c:Customer {customer_no: 'DORA'}) DETACH DELETE c")


async def test_an_erased_customer_is_found_by_nothing(server, bearers, dora):
    await report(server, bearers.admin, dora)
    offers = 'query { customer(customerNo: "DORA") { offers { id } } }'
    known = (await server.ask(offers, bearers.admin))["data"]["customer"]["offers"]
    ids = json.dumps([global_id("Customer", "DORA"), *(offer["id"] for offer in known)])
    reads = {
        '{ customer(customerNo: "DORA") { name } }': {"customer": None},
        f"{{ nodes(ids: {ids}) {{ id }} }}": {"nodes": [None] * len(json.loads(ids))},
        '{ lookup(key: {customerNo: "DORA"}) { id } }': {"lookup": None},
        '{ customers(search: "dora") { totalCount nodes { name } } }': {"customers": {"totalCount": 0, "nodes": []}},
        '{ accessReport(customerNo: "DORA") { document } }': {"accessReport": None},
    }
    for query, nothing in reads.items():
        assert (await server.ask(query, bearers.admin))["data"] != nothing, query

    done = (await server.ask(ERASE, bearers.admin, no=dora, reason="she asked"))["data"]["eraseCustomer"]

    assert done["errors"] == []
    for query, nothing in reads.items():
        assert (await server.ask(query, bearers.admin))["data"] == nothing, query
    similar = await server.ask(
        '{ customer(customerNo: "BO") { similar(first: 20) { customer { customerNo } } } }', bearers.admin
    )
    assert "DORA" not in json.dumps(similar)


async def test_the_proof_tells_what_was_removed_and_asking_again_gets_the_same(server, bearers, dora):
    first, again = [
        (await server.ask(ERASE, bearers.admin, no=dora, reason=reason))["data"]["eraseCustomer"]
        for reason in ("one", "two")
    ]

    assert first["errors"] == []
    assert again == first
    assert {part["part"]: part["count"] for part in first["erasure"]["removed"] if part["count"]} == {
        "holdings": 1, "cards": 1, "relations": 1,
    }  # fmt: skip
    found = (await server.ask(PROOFS, bearers.admin, no=dora))["data"]["erasures"]
    assert found == [{"erasureId": first["erasure"]["erasureId"], "reason": "one"}]
    assert (await server.ask(PROOFS, bearers.admin, no="BO"))["data"]["erasures"] == []


async def test_what_cannot_be_erased_is_a_typed_error(server, bearers, bank, dora):
    await bank.write("MATCH (c:Customer {customer_no: 'DORA'}) CREATE (c)-[:OWNS]->(:Account {account_no: 'A-DORA'})")
    wrong = {
        "NOT_FOUND": ({"no": "NOBODY", "reason": "r"}, ["input", "customerNo"]),
        "BAD_INPUT": ({"no": dora, "reason": " "}, ["input", "reason"]),
        "STILL_OPEN": ({"no": dora, "reason": "r"}, ["input", "despiteOpenHoldings"]),
    }
    for code, (given, path) in wrong.items():
        told = (await server.ask(ERASE, bearers.admin, **given))["data"]["eraseCustomer"]
        assert [(error["code"], error["path"]) for error in told["errors"]] == [(code, path)]
        assert told["erasure"] is None
    assert len(await customers.load(bank, [dora])) == 1

    done = await server.ask(ERASE, bearers.admin, no=dora, reason="r", despite=True)
    assert done["data"]["eraseCustomer"]["errors"] == []


async def test_who_listens_to_the_erased_is_told_that_he_is_gone(server, bearers, dora):
    async with server.socket(bearers.admin) as socket:
        query = 'subscription { offersChanged(customerNo: "DORA") { customerNo } }'
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": query}}))
        await until(lambda: server.changes.listeners)
        await server.ask(ERASE, bearers.admin, no=dora, reason="she asked")
        async with asyncio.timeout(PATIENCE):
            told = json.loads(await socket.recv())

    assert told["payload"]["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_the_kept_lists_name_the_erased_no_more(server, bearers, dora):
    tally = Tally(10)
    tally.customers = 2
    tally.best = lambda: [Prospect("DORA", 0.5), Prospect("BO", 0.4)]
    prospect_lists.write(server.models, date(2026, 6, 30), "m1", {("CARD", prospect_lists.BANK): tally})
    held = (await report(server, bearers.admin, dora))["data"]["accessReport"]["document"]
    assert held["derived"]["prospect_lists"] == [
        {"product_code": "CARD", "scope": "bank", "as_of": "2026-06-30", "rank": 1, "propensity": 0.5}
    ]

    await server.ask(ERASE, bearers.admin, no=dora, reason="she asked")

    assert b"DORA" not in (server.models / prospect_lists.FILE).read_bytes()
    kept = prospect_lists.read(server.models, "CARD", prospect_lists.BANK)
    assert ([prospect.customer_no for prospect in kept.best], kept.customers) == (["BO"], 2)
