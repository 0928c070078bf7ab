"""Things by the one key that the caller has: exactly one, and no more than ``node`` would show."""

import pytest

from api.global_ids import global_id

LOOKUP = "query ($key: Key!) { lookup(key: $key) { __typename id } }"
KEYS = {
    "Customer": ("customerNo", "ANNA"),
    "Product": ("productCode", "CURRENT"),
    "Programme": ("programmeCode", "FAMILY"),
}


@pytest.mark.parametrize("kind", KEYS)
async def test_each_key_finds_its_thing(server, bearers, kind):
    name, key = KEYS[kind]
    found = {"__typename": kind, "id": global_id(kind, key)}

    for given in ({name: key}, {"id": found["id"]}):
        assert (await server.ask(LOOKUP, bearers.manager, key=given))["data"] == {"lookup": found}


@pytest.mark.parametrize(
    "key", [{"customerNo": "BO"}, {"id": global_id("Customer", "BO")}, {"customerNo": ""}, {"id": "x"}]
)
async def test_what_is_not_there_for_the_viewer_is_null(server, bearers, key):
    assert await server.ask(LOOKUP, bearers.manager, key=key) == {"data": {"lookup": None}}


@pytest.mark.parametrize(
    "key", [{}, {"id": None}, {"customerNo": "ANNA", "productCode": "CURRENT"}, {"id": "x", "customerNo": None}]
)
async def test_none_and_several_keys_are_refused(server, bearers, key):
    answer = await server.ask(LOOKUP, bearers.manager, key=key)

    [error] = answer["errors"]
    assert "data" not in answer
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert "exactly one" in error["message"].lower() or "must be non-null" in error["message"]
