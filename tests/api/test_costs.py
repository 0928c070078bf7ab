import asyncio
import json

import pytest
from graphql import (
    GraphQLList,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
    get_nullable_type,
    get_operation_ast,
    is_composite_type,
    parse,
)
from graphql.execution.values import get_variable_values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.cost_plans import Plan, directive
from api.costs import Cost, ListSize
from api.errors import Code
from api.limits import Limits
from api.schema import build_schema
from api.types.relay import PAGE

SCHEMA = build_schema()._schema
MUTATION = (
    """mutation { setConsent(input: {customerNo: "BO", marketing: true}) { customer { name } errors { code } } }"""
)


def estimate(document, **variables):
    parsed = parse(document)
    operation = get_operation_ast(parsed)
    values = get_variable_values(SCHEMA, operation.variable_definitions or (), variables)
    return Plan(SCHEMA, parsed, operation).estimate(values)


@pytest.mark.parametrize(
    ("document", "cost"),
    [
        ("{ __typename }", 0),
        ("{ viewer { role subject key } }", 1),
        ("{ viewer { customer { name offers { id product { name } reasons } } } }", 2 + 20 + 3 * 2),
        ("{ customers { nodes { name } } }", 1 + 20),
        ("{ customers(first: 5) { nodes { name } } }", 1 + 5),
        ("{ customers(last: 5) { edges { cursor node { name } } pageInfo { endCursor } totalCount } }", 1 + 5 * 2 + 1 + 5),
        ("{ customers(first: 3) { nodes { accounts(first: 2) { nodes { balance } } } } }", 1 + 3 * (1 + 1 + 2)),
        ("{ customers(first: 50) { nodes { accounts { nodes { balance } } } } }", 1_101),
        ("{ customers(first: 0) { nodes { accounts { nodes { balance } } } } }", 1),
        ("{ customers(first: -5) { nodes { name } } }", 1),
        ('{ nodes(ids: ["a", "b"]) { id } }', 50 + 2),
        ('{ product(productCode: "X") { requires { name } } }', 1 + 10),
        ('{ node(id: "x") { ... on Product { requires { name } } ... on Programme { products { programme { name } } } } }', 20 + 1 + 20),
        ('{ a: product(productCode: "X") { name } b: product(productCode: "Y") { name } }', 2),
        ('{ product(productCode: "X") { similar(first: 3) { product { name } } } }', 1 + 3 * 2),
        ("{ viewer { customer { activity { month } churn { probability } } } }", 2 + 12 + 10 + 1),
        ("{ __schema { types { name } } }", 100),
        (MUTATION, 10 + 1 + 1 + 5),
        ('subscription { offersChanged(customerNo: "ANNA") { offers { rank } } }', 1 + 20 + 3),
    ],
)  # fmt: skip
def test_it_is_estimated_from_sizes_and_weights(document, cost):
    assert estimate(document) == cost


PAGE_OF = "query ($first: Int, $last: Int = 7) { customers(first: $first, last: $last) { nodes { name } } }"


@pytest.mark.parametrize(
    ("variables", "cost"),
    [({"first": 3, "last": None}, 4), ({"last": 9}, 10), ({}, 8), ({"first": None, "last": None}, 21), ({"first": 4.0, "last": 2}, 5)],
)  # fmt: skip
def test_a_variables_value_and_default_count_and_of_several_the_largest(variables, cost):
    assert estimate(PAGE_OF, **variables) == cost


def test_the_length_of_a_list_in_the_variables_counts():
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"

    assert [estimate(document, ids=["x"] * number) for number in (0, 1, 9)] == [50, 51, 59]


def test_what_fragments_repeat_counts_once():
    once = "{ viewer { customer { name offers { rank product { name } } } } }"
    often = """{ viewer { ...A ...B customer { offers { rank } } } viewer { role } }
        fragment A on Viewer { customer { name offers { ...C } } } fragment B on Viewer { customer { offers { ...C } } }
        fragment C on Offer { rank product { name } }"""

    assert estimate(often) == estimate(once)


def test_a_document_that_doubles_itself_level_by_level_is_estimated_at_once():
    doubling = "".join(
        f"fragment F{n} on Product {{ requires {{ ...F{n + 1} }} similar {{ product {{ ...F{n + 1} }} }} }} " for n in range(60)
    )  # fmt: skip

    assert (
        estimate(f'{{ product(productCode: "X") {{ ...F0 }} }} {doubling} fragment F60 on Product {{ name }}') > 10**60
    )


def fields():
    for kind in SCHEMA.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                yield kind, name, field


def test_every_list_of_objects_has_a_size():
    sized = {
        (get_named_type(field.type).name, below)
        for _, _, field in fields()
        if (size := directive(field, ListSize))
        for below in size.sized_fields or ()
    }
    lists = {
        (kind.name, name)
        for kind, name, field in fields()
        if isinstance(get_nullable_type(field.type), GraphQLList)
        and is_composite_type(get_named_type(field.type))
        and not directive(field, ListSize)
    }

    assert lists - sized == set()


def test_a_size_names_what_there_is():
    for _, name, field in fields():
        size = directive(field, ListSize)
        if size:
            assert set(size.slicing_arguments or ()) <= set(field.args), name
            assert set(size.sized_fields or ()) <= set(getattr(get_named_type(field.type), "fields", ())), name
            if size.sized_fields:
                assert size.assumed_size == PAGE, name


def test_every_mutation_costs_more_than_what_it_returns():
    assert {directive(field, Cost).weight for field in SCHEMA.mutation_type.fields.values()} == {10}


async def asked(server, bearer, document, **variables):
    return (await server.post(document, bearer, **variables)).json()


async def test_an_answer_tells_what_was_requested_the_most_and_what_it_was(server, bearers):
    document = "query ($n: Int) { customers(first: $n) { nodes { name cards { nodes { cardNo } } } totalCount } }"

    answer = await asked(server, bearers.admin, document, n=2)

    assert [len(customer["cards"]["nodes"]) for customer in answer["data"]["customers"]["nodes"]] == [2, 0]
    assert answer["extensions"]["cost"] == {
        "requested": 1 + 2 * (1 + 1 + 20) + 5,
        "most": 20_000,
        "actual": 1 + 2 * 2 + 2 + 5,
    }


@pytest.mark.parametrize("transport", ["POST", "WebSocket"])
async def test_what_costs_too_much_is_not_run(bank, serving, bearers, transport):
    document = "query ($n: Int) { customers(first: $n) { nodes { name } } }"
    async with serving(bank, limits=Limits(cost=10)) as strict:
        if transport == "POST":
            fits = await asked(strict, bearers.admin, document, n=9)
            answer = await asked(strict, bearers.admin, document, n=10)
        else:
            fits = (await over_a_socket(strict, bearers.admin, document, n=9))["payload"]
            answer = {"errors": (await over_a_socket(strict, bearers.admin, document, n=10))["payload"]}

    assert len(fits["data"]["customers"]["nodes"]) == 9
    assert fits["extensions"]["cost"] == {"requested": 10, "most": 10, "actual": 10}
    [error] = answer["errors"]
    assert error["message"].startswith("The operation costs 11; 10 is the most.")
    assert error["extensions"] == {"code": Code.LIMIT_COST, "found": 11, "most": 10}
    assert "data" not in answer


async def over_a_socket(server, bearer, document, **variables):
    async with server.socket(bearer) as socket:
        payload = {"query": document, "variables": variables}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        return json.loads(await socket.recv())


async def test_variables_that_are_wrong_are_told_as_ever(server, bearers):
    answer = await asked(server, bearers.admin, "query ($n: Int!) { customers(first: $n) { totalCount } }", n="many")

    assert answer["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}
    assert [error["message"] for error in answer["errors"]] == ["Int cannot represent non-integer value: 'many'"]


async def test_a_null_where_none_may_be_is_the_fields_error(server, bearers):
    document = 'query ($n: Int = 3) { customer(customerNo: "ANNA") { offers(first: $n) { rank } } }'

    answer = await asked(server, bearers.admin, document, n=None)

    assert [error["path"] for error in answer["errors"]] == [["customer", "offers"]]


VALUES = {
    "customerNo": st.sampled_from(["ANNA", "BO", "CLARA", "X03"]),
    "productCode": st.sampled_from(["CURRENT", "CARD", "AUTOPAY", "CAMPUS-CARD"]),
    "plugin": st.just("none"),
    "first": st.integers(0, 20),
    "last": st.integers(0, 20),
    "months": st.integers(0, 12),
}
IDS = ["Q3VzdG9tZXI6QU5OQQ", "UHJvZHVjdDpDVVJSRU5U", "x"]


@st.composite
def selections(draw, kind, depth):
    """A selection of a type, with values that name what the bank has."""
    names = draw(st.lists(st.sampled_from(sorted(kind.fields)), min_size=1, max_size=4, unique=True))
    chosen = [draw(calls(name, kind.fields[name], depth)) for name in names]
    return " ".join(["__typename", *chosen])


@st.composite
def calls(draw, name, field, depth):
    of = get_named_type(field.type)
    if not isinstance(of, GraphQLScalarType) and is_composite_type(of) and (depth == 0 or not hasattr(of, "fields")):
        return "__typename"
    given = []
    for argument in field.args:
        if argument == "last" and "first" in " ".join(given):
            continue
        if argument in VALUES and (argument not in {"first", "last", "months"} or draw(st.booleans())):
            given.append(f"{argument}: {json.dumps(draw(VALUES[argument]))}")
        elif argument == "ids":
            given.append(f"ids: {json.dumps(draw(st.lists(st.sampled_from(IDS), max_size=5)))}")
        elif argument == "id":
            given.append(f"id: {json.dumps(IDS[0])}")
        elif argument == "key":
            given.append(f"key: {{id: {json.dumps(draw(st.sampled_from(IDS)))}}}")
    arguments = f"({', '.join(given)})" if given else ""
    below = f" {{ {draw(selections(of, depth - 1))} }}" if is_composite_type(of) else ""
    return f"{name}{arguments}{below}"


def objects(value):
    """How many objects an answer has."""
    match value:
        case dict() if "__typename" in value:
            return 1 + sum(map(objects, value.values()))
        case list():
            return sum(map(objects, value))
        case _:
            return 0


async def test_the_estimate_is_never_below_the_objects_that_are_returned(bank, serving, bearers):
    loop, sizes = asyncio.get_running_loop(), []

    @settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(selections(SCHEMA.query_type, 5), st.sampled_from(["admin", "manager", "anna"]))
    def holds(selection, who):
        asking = asked(generous, getattr(bearers, who), f"{{ {selection} }}")
        answer = asyncio.run_coroutine_threadsafe(asking, loop).result(60)
        cost, data = answer["extensions"]["cost"], answer["data"]
        if data is not None:
            sizes.append(objects(data) - 1)  # the root costs nothing
            assert sizes[-1] <= cost["actual"] <= cost["requested"]

    async with serving(bank, limits=Limits(cost=10**9)) as generous:
        await asyncio.to_thread(holds)

    assert max(sizes) > 20
