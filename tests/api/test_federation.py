"""Entities of a bank's supergraph: what a router asks of this subgraph, and what it may be told."""

import pytest

from api.federation import WRONG
from api.global_ids import global_id

ENTITIES = """query ($known: [_Any!]!) { _entities(representations: $known) {
    __typename ... on Customer { id customerNo name } ... on Product { id productCode } ... on Offer { id rank } } }"""
SERVICE = "{ _service { sdl } }"
ANNA = {"__typename": "Customer", "id": global_id("Customer", "ANNA"), "customerNo": "ANNA", "name": "Anna"}
CARD = {"__typename": "Product", "id": global_id("Product", "CARD"), "productCode": "CARD"}


def known(entity, *keys):
    return {"__typename": entity["__typename"]} | {key: entity[key] for key in keys}


@pytest.fixture(scope="module")
async def subgraph(bank, serving):
    async with serving(bank, federation=True) as running:
        yield running


async def test_entities_are_found_by_each_of_their_keys_in_order(subgraph, bearers):
    offers = await subgraph.ask("{ viewer { customer { offers(first: 1) { id } } } }", bearers.anna)
    [offer] = offers["data"]["viewer"]["customer"]["offers"]
    asked = [
        known(ANNA, "customerNo"), known(CARD, "id"), known(ANNA, "id"), {"__typename": "Offer", "id": offer["id"]},
        known(CARD, "productCode"),
    ]  # fmt: skip

    answer = await subgraph.ask(ENTITIES, bearers.anna, known=asked)

    assert answer["data"]["_entities"] == [
        ANNA, CARD, ANNA, {"__typename": "Offer", "id": offer["id"], "rank": 1}, CARD,
    ]  # fmt: skip


async def test_an_entity_that_is_not_there_for_the_viewer_is_null(subgraph, bearers):
    asked = [
        {"__typename": "Customer", "customerNo": "BO"},
        {"__typename": "Customer", "id": global_id("Customer", "BO")},
        {"__typename": "Customer", "customerNo": "NOBODY"},
        {"__typename": "Product", "id": ANNA["id"]},
        {"__typename": "Offer", "id": global_id("Offer", "forged")},
        {"__typename": "Product", "productCode": "NOTHING"},
    ]

    assert (await subgraph.ask(ENTITIES, bearers.anna, known=asked))["data"] == {"_entities": [None] * len(asked)}
    for bearer in (bearers.marketing, bearers.partner):
        answer = await subgraph.ask(ENTITIES, bearer, known=[known(ANNA, "customerNo"), known(ANNA, "id")])
        assert answer["data"] == {"_entities": [None, None]}


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"__typename": "Customer"}, {"__typename": "Account", "id": "x"}, {"__typename": "Query"}, "ANNA", ["ANNA"],
        {"__typename": "Customer", "customerNo": 7}, {"customerNo": "ANNA"}, {"__typename": ["Customer"], "id": "x"},
        {"__typename": "Programme", "id": global_id("Programme", "CAMPUS")},
    ],
)  # fmt: skip
async def test_what_represents_no_entity_is_refused(subgraph, bearers, wrong):
    answer = await subgraph.ask(ENTITIES, bearers.admin, known=[known(ANNA, "id"), wrong])

    [error] = answer["errors"]
    assert (error["message"], error["extensions"]["code"]) == (WRONG, "BAD_INPUT")
    assert answer["data"] is None


async def test_no_more_entities_are_given_than_a_list_may_have(subgraph, bearers):
    for number, errors in ((100, []), (101, ["LIMIT_LIST_LENGTH"])):
        answer = await subgraph.ask(ENTITIES, bearers.admin, known=[known(CARD, "productCode")] * number)
        assert [error["extensions"]["code"] for error in answer.get("errors", ())] == errors


async def test_its_schema_is_told_to_administrators_alone(subgraph, bearers):
    sdl = (await subgraph.ask(SERVICE, bearers.admin))["data"]["_service"]["sdl"]

    assert 'type Customer implements Node @key(fields: "id") @key(fields: "customerNo") {' in sdl
    for bearer in (bearers.anna, bearers.manager, bearers.marketing, bearers.partner):
        assert (await subgraph.ask(SERVICE, bearer))["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await subgraph.ask(SERVICE, None))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("query", [SERVICE, "{ _entities(representations: []) { __typename } }"])
async def test_without_federation_there_is_none_of_it(server, bearers, query):
    answer = await server.ask(query, bearers.admin)

    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert "Cannot query field" in answer["errors"][0]["message"]
