"""What front ends may ask of `customers` and `products`: filters, searches, orders, and pages in any of them."""

import pytest

from api.global_ids import decoded, encoded
from graph.imports import import_rows

CUSTOMERS = """
query ($filter: CustomerFilter, $search: String, $order: [CustomerOrder!], $first: Int, $after: String, $last: Int, $before: String) {
  customers(filter: $filter, search: $search, orderBy: $order, first: $first, after: $after, last: $last, before: $before) {
    nodes { customerNo } totalCount pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
  }
}"""
PRODUCTS = """
query ($filter: ProductFilter, $order: [ProductOrder!], $first: Int, $after: String, $last: Int, $before: String) {
  products(filter: $filter, orderBy: $order, first: $first, after: $after, last: $last, before: $before) {
    nodes { productCode } totalCount pageInfo { startCursor endCursor }
  }
}"""
FOUR = {"customerNo": {"in": ["ANNA", "BO", "CLARA", "NOTHING"]}}


@pytest.fixture
def ask(server, bearers):
    """Return a function: the numbers or codes that a connection has."""

    async def numbers(document=CUSTOMERS, bearer=bearers.admin, **asked):
        found = await page(server, document, bearer, **asked)
        nodes = [next(iter(node.values())) for node in found["nodes"]]
        if "first" not in asked and "last" not in asked:
            assert found["totalCount"] == len(nodes)
        return nodes

    return numbers


async def page(server, document, bearer, **asked):
    answer = await server.ask(document, bearer, **asked)
    assert "errors" not in answer, answer
    return next(iter(answer["data"].values()))


async def refusal(server, document, bearer, **asked):
    answer = await server.ask(document, bearer, **asked)
    [error] = answer["errors"]
    assert answer["data"] is None
    return error["extensions"]["code"], error["message"]


FILTERS = {
    "nothing said": ({}, ["ANNA", "BO", "CLARA", "NOTHING"]),
    "null does not restrict": ({"region": None, "name": {"eq": None}, "and": None}, ["ANNA", "BO", "CLARA", "NOTHING"]),
    "number": ({"customerNo": {"gt": "ANNA", "lte": "CLARA"}}, ["BO", "CLARA"]),
    "name": ({"name": {"startsWith": "B"}}, ["BO"]),
    "unknown name": ({"name": {"isNull": True}}, ["NOTHING"]),
    "known name": ({"name": {"isNull": False}}, ["ANNA", "BO", "CLARA"]),
    "kind": ({"kind": {"in": ["COMPANY", "INSTITUTION"]}}, ["CLARA"]),
    "region": ({"region": {"eq": "Yunnan"}}, ["ANNA", "BO"]),
    "birth date": ({"birthDate": {"gte": "1990-01-01", "lt": "1990-01-02"}}, ["ANNA", "BO"]),
    "days": ({"birthDate": {"in": ["1990-01-01"]}}, ["ANNA", "BO"]),
    "joined on": ({"joinedOn": {"isNull": False}}, []),
    "manager": ({"managerNo": {"eq": "M1"}}, ["ANNA", "CLARA"]),
    "value tier": ({"statedValueTier": {"eq": "HIGH"}}, []),
    "credit tier": ({"creditTier": {"isNull": True}}, ["ANNA", "BO", "CLARA", "NOTHING"]),
    "risk profile": ({"riskProfile": {"eq": "C3"}}, ["ANNA", "BO"]),
    "language": ({"language": {"eq": "ZH"}}, ["BO"]),
    "consent": ({"marketingConsent": {"eq": True}}, ["ANNA", "BO"]),
    "holds": ({"holds": ["CURRENT", "CARD"]}, ["ANNA", "BO"]),
    "lacks": ({"lacks": ["CURRENT"]}, ["CLARA", "NOTHING"]),
    "member": ({"memberOf": ["CAMPUS"]}, ["ANNA"]),
    "all of it": ({"holds": ["CURRENT"], "managerNo": {"eq": "M2"}}, ["BO"]),
    "and": ({"and": [{"holds": ["CURRENT"]}, {"managerNo": {"eq": "M2"}}]}, ["BO"]),
    "or": ({"or": [{"memberOf": ["CAMPUS"]}, {"kind": {"eq": "COMPANY"}}]}, ["ANNA", "CLARA"]),
    "or of nothing": ({"or": []}, []),
    "not": ({"not": {"managerNo": {"eq": "M1"}}}, ["BO", "NOTHING"]),
    "not of or": ({"not": {"or": [{"managerNo": {"eq": "M1"}}, {"name": {"eq": "Bo"}}]}}, ["NOTHING"]),
}


@pytest.mark.parametrize(("wanted", "found"), FILTERS.values(), ids=FILTERS)
async def test_customers_are_filtered(ask, wanted, found):
    assert await ask(filter={"and": [FOUR, wanted]}) == found


async def test_customers_are_searched_by_number_or_name_in_any_case(ask):
    assert await ask(search="aNN") == ["ANNA"]
    assert await ask(search="many 07") == ["X07"]
    assert await ask(search="x07") == ["X07"]
    assert await ask(search="a", filter=FOUR) == ["ANNA", "CLARA"]
    assert await ask(search=" ", filter=FOUR) == ["ANNA", "BO", "CLARA", "NOTHING"]
    assert await ask(search="%") == []


async def test_customers_are_ordered_by_several_keys(ask):
    by_manager = {"field": "MANAGER_NO", "direction": "DESC"}

    assert await ask(filter=FOUR, order=[by_manager, {"field": "NAME"}]) == ["NOTHING", "BO", "ANNA", "CLARA"]
    assert await ask(filter=FOUR, order=[{"field": "KIND", "direction": "DESC"}, by_manager]) == ["NOTHING", "BO", "ANNA", "CLARA"]  # fmt: skip
    assert await ask(filter=FOUR, order=[{"field": "BIRTH_DATE"}, {"field": "CUSTOMER_NO", "direction": "DESC"}]) == ["BO", "ANNA", "NOTHING", "CLARA"]  # fmt: skip


@pytest.mark.parametrize("order", [[], [{"field": "BIRTH_DATE", "direction": "DESC"}], [{"field": "MANAGER_NO"}, {"field": "NAME", "direction": "DESC"}]])  # fmt: skip
async def test_pages_in_any_order_go_forward_and_backward_while_customers_come_and_go(
    server, bearers, bank, ask, order
):
    everybody = await ask(filter=FOUR, order=order)

    async def step(**asked):
        found = await page(server, CUSTOMERS, bearers.admin, filter={"or": [FOUR, {"customerNo": {"in": ["A", "Z"]}}]}, order=order, **asked)  # fmt: skip
        return [node["customerNo"] for node in found["nodes"]], found["pageInfo"]

    first, info = await step(first=2)
    come = [{"key": no, "digest": "d", "properties": {"customer_no": no, "kind": "person", "name": no}} for no in "AZ"]
    await import_rows(bank, "customers", come)
    try:
        rest, after = await step(first=9, after=info["endCursor"])
        back, before = await step(last=9, before=after["startCursor"])
    finally:
        await bank.write("UNWIND ['A', 'Z'] AS no MATCH (c:Customer {customer_no: no}) DELETE c")
    again, _ = await step(last=9, before=after["startCursor"])

    assert [no for no in [*first, *rest] if no in everybody] == everybody
    assert sorted({*back, *rest}) == sorted([*everybody, "A", "Z"])
    assert len(back) + len(rest) == 6
    assert again == [no for no in everybody if no not in rest]
    assert (before["hasNextPage"], after["hasPreviousPage"]) == (True, True)


def deep(levels):
    return {"not": deep(levels - 1)} if levels > 1 else {"region": {"eq": "Yunnan"}}


async def test_a_filter_is_bounded(server, bearers, ask):
    most = {
        "customerNo": {"in": ["ANNA"] * 97},
        "and": [{"customerNo": {"in": ["ANNA"] * 98}}],
        "holds": ["CURRENT"],
        "memberOf": ["CAMPUS"],
        "region": {"eq": "Yunnan"},
    }

    assert await ask(filter={**most, "kind": {"eq": "PERSON"}}) == ["ANNA"]
    assert await ask(filter={"and": [FOUR, deep(4)]}) == ["CLARA", "NOTHING"]
    large = "A filter has 200 values and filters within it at most."
    for filtered, message in (
        (deep(6), "A filter has 5 levels at most."),
        ({"or": [deep(5)]}, "A filter has 5 levels at most."),
        ({**most, "kind": {"in": ["PERSON", "COMPANY"]}}, large),
        ({"or": [{"holds": ["C"] * 99}, {"not": {"lacks": ["C"] * 99}}]}, large),
        ({"or": [{"and": [{}] * 99}, {"and": [{}] * 99}, {}]}, large),
    ):
        assert await refusal(server, CUSTOMERS, bearers.admin, filter=filtered) == ("BAD_INPUT", message)
    assert await refusal(server, PRODUCTS, bearers.admin, filter={"not": {"not": {"not": {"not": {"not": {}}}}}}) == ("BAD_INPUT", "A filter has 5 levels at most.")  # fmt: skip


async def test_a_search_is_bounded(server, bearers):
    message = "Search for 100 characters at most."
    assert await refusal(server, CUSTOMERS, bearers.admin, search="a" * 101) == ("BAD_INPUT", message)


async def test_an_order_names_a_field_once(server, bearers):
    by_name = {"field": "NAME"}
    for document in (CUSTOMERS, PRODUCTS):
        twice = [by_name, {"field": "NAME", "direction": "DESC"}]
        assert await refusal(server, document, bearers.admin, order=twice) == ("BAD_INPUT", "Order by NAME once.")


@pytest.mark.parametrize("document", [CUSTOMERS, PRODUCTS])
async def test_a_cursor_holds_good_in_its_own_order_alone(server, bearers, document):
    by_name = [{"field": "NAME", "direction": "DESC"}]
    cursor = (await page(server, document, bearers.admin, first=1, order=by_name))["pageInfo"]["endCursor"]
    message = "This cursor was not given by this connection."

    for order in ([], [{"field": "NAME"}]):
        for place in ({"after": cursor}, {"before": cursor}):
            found = await refusal(server, document, bearers.admin, order=order, **place)
            assert found == ("BAD_INPUT", message)


async def test_a_cursor_that_was_tampered_with_is_refused(server, bearers):
    order = [{"field": "BIRTH_DATE"}]
    cursor = (await page(server, CUSTOMERS, bearers.admin, first=1, order=order))["pageInfo"]["endCursor"]
    text = decoded(cursor)
    assert "=1990-01-01" in text

    for changed in ("=1990-02-30", "1990-01-01", "=", "=x"):
        tampered = encoded(text.replace("=1990-01-01", changed))
        code, _ = await refusal(server, CUSTOMERS, bearers.admin, order=order, after=tampered)
        assert code == "BAD_INPUT"
    no_number = encoded(text.replace('"=ANNA"', '""'))
    assert (await refusal(server, CUSTOMERS, bearers.admin, order=order, after=no_number))[0] == "BAD_INPUT"


ESCAPES = {
    "or": {"or": [{"managerNo": {"eq": "M2"}}, {"managerNo": {"eq": "M1"}}]},
    "or anything": {"or": [{}]},
    "not nobody": {"not": {"or": []}},
    "not not": {"not": {"not": {"managerNo": {"isNull": False}}}},
    "not his": {"not": {"managerNo": {"eq": "M1"}}},
    "not him": {"not": {"customerNo": {"eq": "ANNA"}}},
    "everybody by number": {"customerNo": {"gte": ""}},
    "theirs by number": {"customerNo": {"in": ["BO", "NOTHING"]}},
    "unknown manager": {"or": [{"managerNo": {"isNull": True}}, {"managerNo": {"isNull": False}}]},
    "holders": {"or": [{"holds": ["CURRENT"]}, {"lacks": ["CURRENT"]}]},
    "members": {"not": {"memberOf": ["NONE"]}},
    "and": {"and": [], "or": [{"and": []}]},
}


@pytest.mark.parametrize(("who", "seen"), [("manager", {"ANNA", "CLARA"}), ("anna", {"ANNA"})])
@pytest.mark.parametrize("wanted", ESCAPES.values(), ids=ESCAPES)
async def test_no_filter_leads_out_of_what_a_viewer_may_see(server, bearers, wanted, who, seen):
    bearer, everybody = getattr(bearers, who), await page(server, CUSTOMERS, bearers.admin, filter=wanted, first=100)
    wide = {node["customerNo"] for node in everybody["nodes"]}

    for order in ([], [{"field": "NAME", "direction": "DESC"}]):
        found = await page(server, CUSTOMERS, bearer, filter=wanted, order=order)
        assert {node["customerNo"] for node in found["nodes"]} == wide & seen
        assert found["totalCount"] == len(wide & seen)
    assert wide - seen


async def test_neither_search_nor_cursor_leads_out_of_a_managers_book(server, bearers, ask):
    assert await ask(bearer=bearers.manager, search="bo") == []
    assert await ask(bearer=bearers.manager, search="a") == ["ANNA", "CLARA"]
    cursor = (await page(server, CUSTOMERS, bearers.admin, first=1))["pageInfo"]["endCursor"]
    found = await page(server, CUSTOMERS, bearers.manager, after=cursor)
    assert [node["customerNo"] for node in found["nodes"]] == ["CLARA"]


@pytest.mark.parametrize("who", ["marketing", "partner"])
async def test_who_sees_no_customers_filters_none(server, bearers, who):
    for asked in ({"filter": {"or": [{}]}}, {"search": "anna"}):
        code, _ = await refusal(server, CUSTOMERS, getattr(bearers, who), **asked)
        assert code == "FORBIDDEN"


PRODUCT_FILTERS = {
    "code": ({"productCode": {"startsWith": "C"}}, ["CAMPUS-CARD", "CARD", "CURRENT"]),
    "category": ({"category": {"in": ["card", "wealth"]}}, ["CAMPUS-CARD", "CARD", "FUND"]),
    "name": ({"name": {"eq": "Autopay"}}, ["AUTOPAY"]),
    "programme": ({"programmeCode": {"isNull": False}}, ["CAMPUS-CARD"]),
    "no programme": ({"programmeCode": {"isNull": True}, "credit": {"eq": True}}, ["CARD"]),
    "not takes in the unknown": ({"not": {"programmeCode": {"eq": "CAMPUS"}}}, ["AUTOPAY", "CARD", "CURRENT", "FUND"]),
    "risk": ({"riskRating": {"eq": "R4"}}, ["FUND"]),
    "on sale": ({"onSale": False}, []),
    "audience": ({"audience": "COMPANY", "category": {"eq": "payment"}}, ["AUTOPAY"]),
    "or": ({"or": [{"credit": {"eq": True}}, {"riskRating": {"isNull": False}}]}, ["CARD", "FUND"]),
    "and": ({"and": [{"credit": {"eq": False}}, {"category": {"eq": "card"}}]}, ["CAMPUS-CARD"]),
    "range": ({"name": {"gt": "Campus card", "lte": "Current account"}}, ["CARD", "CURRENT"]),
}


@pytest.mark.parametrize(("wanted", "found"), PRODUCT_FILTERS.values(), ids=PRODUCT_FILTERS)
async def test_products_are_filtered(ask, wanted, found):
    assert await ask(PRODUCTS, filter=wanted) == found


async def test_products_are_ordered_and_paged_either_way(server, bearers, ask):
    order = [{"field": "CATEGORY", "direction": "DESC"}, {"field": "NAME"}]
    everything = await ask(PRODUCTS, order=order)
    first = await page(server, PRODUCTS, bearers.admin, order=order, first=3)
    cursor = first["pageInfo"]["endCursor"]

    assert everything == ["FUND", "AUTOPAY", "CURRENT", "CAMPUS-CARD", "CARD"]
    assert await ask(PRODUCTS, order=order, first=5, after=cursor) == everything[3:]
    assert await ask(PRODUCTS, order=order, last=1, before=cursor) == ["AUTOPAY"]
    assert await ask(PRODUCTS, order=[{"field": "PRODUCT_CODE", "direction": "DESC"}]) == sorted(everything)[::-1]
