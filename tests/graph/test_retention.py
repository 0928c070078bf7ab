"""What is older than it may be kept goes, in bounded transactions, and nothing that is younger."""

from contextlib import aclosing
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta

import pytest

from graph import plugin_days, retention
from graph.imports import import_rows
from graph.periods import Periods
from graph.plugin_days import Sighting
from graph.removing import Rule
from graph.retention import Due, count, due, lost, remove

TODAY = date(2026, 7, 1)
SINCE = date(2021, 7, 1)
OLD, YOUNG = SINCE - timedelta(days=1), SINCE
AGES = {"OLD": OLD, "YOUNG": YOUNG}


def row(key, **own):
    return {"key": key, "digest": "d", "properties": own}


def at(day):
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@pytest.fixture
async def bank(empty_store):
    """A customer who has of everything one that is a day too old, and one that is just kept."""
    store = empty_store
    await import_rows(
        store, "programmes", [row(f"P-{age}", programme_code=f"P-{age}", kind="campus", name="P") for age in AGES]
    )
    await import_rows(
        store, "products", [row(f"S-{age}", product_code=f"S-{age}", name="S", category="deposit") for age in AGES]
    )
    await import_rows(store, "customers", [row("C1", customer_no="C1", kind="person")])
    mine = {"customer_no": "C1"}
    tables = {
        "holdings": lambda age, day: row(f"H-{age}", product_code=f"S-{age}", closed_on=day, **mine),
        "accounts": lambda age, day: row(f"A-{age}", account_no=f"A-{age}", closed_on=day, **mine),
        "cards": lambda age, day: row(f"K-{age}", card_no=f"K-{age}", expires_on=day, account_no=f"A-{age}", **mine),
        "memberships": lambda age, day: row(f"M-{age}", programme_code=f"P-{age}", role="student", until=day, **mine),
        "activity": lambda age, day: row(f"Y-{age}", account_no="A-YOUNG", month=f"{day:%Y-%m}"),
        "interactions": lambda age, day: row(f"I-{age}", interaction_id=f"I-{age}", channel="web", kind="login", at=at(day), **mine),
    }  # fmt: skip
    for table, make in tables.items():
        await import_rows(store, table, [make(age, day) for age, day in AGES.items()])
    await import_rows(store, "cards", [row("K-NONE", card_no="K-NONE", principal_card_no="K-OLD", **mine)])
    await store.write(
        "MATCH (c:Customer) UNWIND $rows AS row CREATE (c)-[:ANSWERED]->(t:Outcome) SET t = row",
        rows=[{"outcome_id": f"O-{age}", "at": at(day)} for age, day in AGES.items()],
    )
    await plugin_days.add(store, {}, [Sighting("p", "C1", f"S-{age}", day) for age, day in AGES.items()])
    return store


async def ids(store):
    """Every node and dated relationship but products, programmes and the customer, by its key."""
    nodes = await store.read(
        "MATCH (n) WHERE n:Account OR n:Card OR n:Activity OR n:Interaction OR n:Outcome "
        "RETURN coalesce(n.activity_key, n.card_no, n.interaction_id, n.outcome_id, n.account_no) AS key"
    )
    edges = await store.read(
        "MATCH (:Customer)-[r]->() RETURN coalesce(r.holding_key, r.membership_key, r.shadow_key) AS key"
    )
    return {row["key"] for row in nodes + edges if row["key"]}


PARTS = {
    "holdings": "H-OLD", "accounts": "A-OLD", "cards": "K-OLD", "memberships": "M-OLD", "activity": "Y-OLD",
    "interactions": "I-OLD", "outcomes": "O-OLD", "shadowed": "p|C1|S-OLD",
}  # fmt: skip


def test_every_period_has_its_rule():
    assert (
        {period.name for period in fields(Periods)}
        == retention.RULES.keys() | {"customers"}
        == PARTS.keys() | {"customers"}
    )


@pytest.mark.parametrize("part", PARTS)
async def test_what_is_too_old_goes_and_nothing_else(bank, part):
    before = await ids(bank)

    found = await count(bank, Due(part, SINCE))
    removed = [number async for number in remove(bank, Due(part, SINCE))]

    assert (found, removed) == (1, [1])
    assert before - await ids(bank) == {PARTS[part]}
    assert await count(bank, Due(part, SINCE)) == 0


async def test_what_names_it_names_it_no_more(bank):
    for part in ("cards", "accounts"):
        assert sum([number async for number in remove(bank, Due(part, SINCE))]) == 1

    left = await bank.read(
        "MATCH (k:Card) RETURN k.principal_card_no AS principal, k.account_no AS account ORDER BY k.card_no"
    )
    assert left == [{"principal": None, "account": None}, {"principal": None, "account": "A-YOUNG"}]


async def test_an_account_goes_with_its_activity(bank):
    await import_rows(bank, "activity", [row("Y-NEW", account_no="A-OLD", month="2026-06")])

    assert [number async for number in remove(bank, Due("accounts", SINCE))] == [1]
    assert "Y-NEW" not in await ids(bank)


async def test_an_interrupted_run_is_finished_by_the_next(bank, monkeypatch):
    monkeypatch.setitem(retention.RULES, "interactions", Rule(*rule_of("interactions"), at_once=2))
    visits = [
        row(f"I-{n}", interaction_id=f"I-{n}", customer_no="C1", channel="web", kind="login", at=at(OLD))
        for n in range(6)
    ]
    await import_rows(bank, "interactions", visits)

    async with aclosing(remove(bank, Due("interactions", SINCE))) as running:
        first = await anext(running)

    assert (first, await count(bank, Due("interactions", SINCE))) == (2, 5)
    assert [number async for number in remove(bank, Due("interactions", SINCE))] == [2, 2, 1]
    assert await count(bank, Due("interactions", SINCE)) == 0


def rule_of(part):
    rule = retention.RULES[part]
    return rule.match, rule.key, rule.removed


def test_periods_reach_back_by_months_and_customers_come_first():
    periods = Periods(interactions=60, customers=120)

    assert list(due(periods, TODAY)) == [Due("customers", date(2016, 7, 1)), Due("interactions", SINCE)]
    assert list(due(Periods(), TODAY)) == []
    with pytest.raises(ValueError, match="keep_outcomes is above 0, not 0"):
        Periods(outcomes=0)


SIGNS = {
    "joined later": "SET c.joined_on = $young",
    "a holding": "WITH c MATCH (p:Product {product_code: 'S'}) CREATE (c)-[:HOLDS {opened_on: $old}]->(p)",
    "a holding closed later": "WITH c MATCH (p:Product {product_code: 'S'}) CREATE (c)-[:HOLDS {closed_on: $young}]->(p)",
    "an account": "CREATE (c)-[:OWNS]->(:Account {account_no: 'A'})",
    "an account closed later": "CREATE (c)-[:OWNS]->(:Account {account_no: 'A', closed_on: $young})",
    "a card": "CREATE (c)-[:CARRIES]->(:Card {card_no: 'K'})",
    "a membership": "WITH c MATCH (p:Product {product_code: 'S'}) CREATE (c)-[:MEMBER_OF]->(p)",
    "a guarantee": "CREATE (c)<-[:RELATED {kind: 'guarantor'}]-(:Customer {customer_no: 'D', joined_on: $young})",
    "a call": "CREATE (c)-[:DID]->(:Interaction {interaction_id: 'I', at: $moment})",
    "an outcome": "CREATE (c)-[:ANSWERED]->(:Outcome {outcome_id: 'O', at: $moment})",
    "activity": "CREATE (c)-[:OWNS]->(:Account {account_no: 'A', closed_on: $old})-[:HAD]->(:Activity {activity_key: 'Y', month: $month})",
    "nothing dated": "REMOVE c.joined_on",
}  # fmt: skip


async def found(store):
    return [number async for numbers in lost(store, Due("customers", SINCE)) for number in numbers]


@pytest.mark.parametrize("sign", [None, *SIGNS])
async def test_who_is_lost_for_so_long_is_found_unless_there_is_a_sign_of_him(empty_store, sign):
    await import_rows(empty_store, "products", [row("S", product_code="S", name="S", category="deposit")])
    await import_rows(empty_store, "customers", [row("C1", customer_no="C1", kind="person", joined_on=OLD)])
    if sign:
        days = {"old": OLD, "young": YOUNG, "moment": at(YOUNG), "month": f"{YOUNG:%Y-%m}"}
        await empty_store.write(f"MATCH (c:Customer {{customer_no: 'C1'}}) {SIGNS[sign]}", **days)

    assert await found(empty_store) == ([] if sign else ["C1"])
    assert await count(empty_store, Due("customers", SINCE)) == (0 if sign else 1)


async def test_of_whom_only_old_things_are_known_is_lost(bank):
    await bank.write("MATCH (n) WHERE n:Interaction OR n:Outcome OR n:Card OR n:Activity DETACH DELETE n")
    await bank.write("MATCH (n {account_no: 'A-YOUNG'}) DETACH DELETE n")
    await bank.write("MATCH (:Customer)-[r]->() WHERE r.closed_on = $day OR r.until = $day DELETE r", day=YOUNG)

    assert await found(bank) == ["C1"]
