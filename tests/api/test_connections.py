"""Every connection of the schema, forward and backward, while what it lists comes and goes."""

import pytest
from graphql import get_named_type

from api import recent
from api.schema import build_schema

WALKER = "MATCH (c:Customer {customer_no: 'WALKER'})"
OTHERS = "MERGE (o:Customer {customer_no: $key}) SET o.kind = 'person', o.name = $key, o.name_key = $key"
MAKE = {
    "Query.customers": OTHERS,
    "Query.products": "CREATE (:Product {product_code: $key, name: $key, category: 'card'})",
    "Query.programmes": "CREATE (:Programme {programme_code: $key, name: $key, kind: 'cobranded'})",
    "Customer.accounts": f"{WALKER} CREATE (c)-[:OWNS]->(:Account {{account_no: $key, customer_no: 'WALKER'}})",
    "Customer.cards": f"{WALKER} CREATE (c)-[:CARRIES]->(:Card {{card_no: $key, customer_no: 'WALKER'}})",
    "Customer.holdings": f"{WALKER} MATCH (p:Product {{product_code: 'CURRENT'}}) CREATE (c)-[:HOLDS {{holding_key: $key, product_code: 'CURRENT', opened_on: date('2026-01-' + $key)}}]->(p)",
    "Customer.memberships": f"{WALKER} MERGE (g:Programme {{programme_code: $key}}) SET g.name = $key, g.kind = 'cobranded' CREATE (c)-[:MEMBER_OF {{membership_key: $key, programme_code: $key, role: 'member'}}]->(g)",
    "Customer.relations": f"{WALKER} {OTHERS} CREATE (c)-[:RELATED {{relation_key: $key, kind: 'sibling', since: date('2026-01-' + $key)}}]->(o)",
    "Customer.interactions": f"{WALKER} CREATE (c)-[:DID]->(:Interaction {{interaction_id: $key, channel: 'web', kind: 'visit', at: datetime('2026-01-' + $key + 'T00:00:00Z')}})",
    "Customer.consentHistory": f"{WALKER} CREATE (c)-[:SAID]->(:Consent {{consent_key: $key, recorded_by: $key, purpose: 'partners', granted: true, source: 'api', version: 1, at: datetime('20' + toString(99 - toInteger($key)) + '-01-01T00:00:00Z')}})",
    "Query.webhookDeliveries": "CREATE (:Delivery {delivery_id: toString(99 - toInteger($key)), event_id: $key, webhook_id: 'W', event_type: 'ping', body: '{}', state: 'delivered', tries: 0, created_at: datetime('2026-01-01T00:00:00Z')})",
}
NODE = {
    "Query.customers": "key: customerNo",
    "Query.products": "key: productCode",
    "Query.programmes": "key: programmeCode",
    "Customer.accounts": "key: accountNo",
    "Customer.cards": "key: cardNo",
    "Customer.holdings": "key: openedOn",
    "Customer.memberships": "programme { key: programmeCode }",
    "Customer.relations": "customer { key: customerNo }",
    "Customer.interactions": "key: interactionId",
    "Customer.consentHistory": "key: recordedBy",
    "Query.webhookDeliveries": "key: eventId",
}
ELSEWHERE = {"Query.auditEntries"}
"""Walked in test_audit.py: what reads it adds to it."""
DROP = [
    f"{WALKER} OPTIONAL MATCH (c)-[r:HOLDS|MEMBER_OF|RELATED]->(e) "
    "WHERE r.holding_key = $key OR r.membership_key = $key OR r.relation_key = $key DELETE r",
    "MATCH (n) WHERE n.customer_no = $key OR n.product_code = $key OR n.programme_code = $key "
    "OR n.account_no = $key OR n.card_no = $key OR n.interaction_id = $key OR n.consent_key = $key "
    "OR n.event_id = $key DETACH DELETE n",
]
FIRST = ["10", "12", "14", "16", "18"]
LATER = ["11", "19", "09"]


def connections():
    for name, kind in build_schema()._schema.type_map.items():
        for field, own in getattr(kind, "fields", {}).items():
            if get_named_type(own.type).name.endswith("Connection"):
                yield f"{name}.{field}"


def test_every_connection_is_walked_here():
    assert set(connections()) - ELSEWHERE == set(MAKE) == set(NODE)


@pytest.fixture
async def walker(bank, monkeypatch):
    monkeypatch.setattr(recent, "FRESH_SECONDS", 0)
    await bank.write("MERGE (c:Customer {customer_no: 'WALKER'}) SET c.kind = 'person'")
    yield bank
    for key in (*FIRST, *LATER, "WALKER"):
        for statement in DROP:
            await bank.write(statement, key=key)


@pytest.fixture
def page(server, bearers):
    """Return a function: the keys of a page, and its ``pageInfo`` and ``totalCount``."""

    async def read(connection, **asked):
        owner, field = connection.split(".")
        listed = f"""{field}(first: $first, after: $after, last: $last, before: $before) {{
            nodes {{ {NODE[connection]} }} totalCount pageInfo {{ startCursor endCursor hasNextPage hasPreviousPage }} }}"""
        inner = listed if owner == "Query" else f'customer(customerNo: "WALKER") {{ {listed} }}'
        query = f"query ($first: Int, $after: String, $last: Int, $before: String) {{ {inner} }}"
        answer = await server.ask(query, bearers.admin, **asked)
        assert "errors" not in answer, answer
        found = answer["data"][field] if owner == "Query" else answer["data"]["customer"][field]
        nodes = [next(iter(node.values())) if isinstance(next(iter(node.values())), dict) else node for node in found["nodes"]]  # fmt: skip
        return [node["key"].removeprefix("2026-01-") for node in nodes], found["pageInfo"], found["totalCount"]

    return read


async def walked(page, connection, count, *, backward, between=None):
    """Every key, page by page, in the connection's order; ``between`` is told the key at the cursor."""
    found, asked = [], {}
    while True:
        keys, info, _ = await page(connection, **{"last" if backward else "first": count}, **asked)
        found = [*keys, *found] if backward else [*found, *keys]
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return [key for key in found if key in {*FIRST, *LATER}]
        asked = {"before": info["startCursor"]} if backward else {"after": info["endCursor"]}
        if between:
            await between(keys[0 if backward else -1])


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("connection", MAKE)
async def test_it_is_walked_either_way_while_things_come_and_go(walker, page, connection, backward):
    for key in FIRST:
        await walker.write(MAKE[connection], key=key)
    coming = iter(LATER)

    async def come_and_go(at):
        if (key := next(coming, None)) is not None:
            await walker.write(MAKE[connection], key=key)
        if at in FIRST:
            for statement in DROP:
                await walker.write(statement, key=at)

    assert await walked(page, connection, 2, backward=False) == FIRST
    assert await walked(page, connection, 2, backward=True) == FIRST
    seen = await walked(page, connection, 2, backward=backward, between=come_and_go)

    assert [key for key in seen if key in FIRST] == FIRST
    assert sorted(set(seen)) == seen


@pytest.mark.parametrize("connection", MAKE)
async def test_its_pages_are_bounded_and_its_total_counts_what_is_on_all_of_them(
    walker, server, bearers, page, connection
):
    _, _, before = await page(connection, first=0)
    for key in FIRST:
        await walker.write(MAKE[connection], key=key)

    keys, info, total = await page(connection, first=1)
    none, _, _ = await page(connection, last=0)

    assert (len(keys), none, total) == (1, [], before + len(FIRST))
    assert (info["hasNextPage"], info["hasPreviousPage"]) == (True, False)
    owner, field = connection.split(".")
    for asked, message in (
        ("first: 101", "A page has 0 to 100 items, not 101."),
        ("last: -1", "A page has 0 to 100 items, not -1."),
        ("first: 1, last: 1", "Ask for first or for last, not for both."),
        ('after: "nonsense"', "This cursor was not given by this connection."),
    ):
        listed = f"{field}({asked}) {{ totalCount }}"
        query = f"{{ {listed} }}" if owner == "Query" else f'{{ customer(customerNo: "WALKER") {{ {listed} }} }}'
        [error] = (await server.ask(query, bearers.admin))["errors"]
        assert (error["extensions"]["code"], error["message"]) == ("BAD_INPUT", message)


async def test_a_holding_that_is_closed_between_pages_is_not_met_again(walker, page):
    connection = "Customer.holdings"
    for key in FIRST:
        await walker.write(MAKE[connection], key=key)
    first, info, _ = await page(connection, first=2)
    await walker.write(f"{WALKER} MATCH (c)-[h:HOLDS]->() SET h.closed_on = date('2026-02-01')")

    rest, _, _ = await page(connection, first=9, after=info["endCursor"])

    assert [*first, *rest] == FIRST
