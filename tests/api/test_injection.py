"""Every text that a caller may give, wherever the schema takes one, is a value and never part of a query."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLString,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

from api.global_ids import encoded, global_id
from api.mutations import LONGEST_NOTE
from api.schema import build_schema
from api.types.customer_filter import LONGEST_SEARCH

SCHEMA = build_schema()._schema
HARMLESS = "no-such-thing"
INJECTIONS = [
    "' OR 1=1 //", '" OR 1=1 //', "ANNA' OR 'a'='a", "' OR true RETURN c AS customer //", "\\' OR 1=1 //",
    "'}) DETACH DELETE c //", '"}) MATCH (n) DETACH DELETE n //', "`) MATCH (n) DETACH DELETE n //",
    "\\u0027}) MATCH (n) SET n.name = \\u0027owned\\u0027 //", "' UNION MATCH (n) SET n.name = 'owned' RETURN n //",
    "$customer_no", "${customer_no}", "{customer_no}", "%", ".*", "*", "ANNA\n", "ANNA/*", "\x7f\u202e\ufeff", "关" * 300,
    encoded("Customer:' OR 1=1 //"), encoded("Customer:\0"), encoded("Offer:\xe9.x.y"), encoded(":"),
    encoded('["\\ud800"]'), encoded('["\\u0000", "\'"]'), encoded('["\' OR 1=1 //", "\' OR 1=1 //"]'), encoded("[" * 2_000),
]  # fmt: skip
VALID = {
    "customerNo": "ANNA", "productCode": "CARD", "id": global_id("Customer", "ANNA"), "kind": "call",
    "deputyNo": "M2", "managerNo": "M1", "until": str(datetime.now(UTC).date() + timedelta(days=1)), "idempotencyKey": "key", "offerId": global_id("Offer", "none"), "at": "2026-01-01T00:00:00Z",
    "url": "https://bank.example/",
    "reason": "asked", "plugin": "none", "settings": {}, "toVersion": 0,
}  # fmt: skip
GRAPH = """
MATCH (n)
WHERE NOT n:Interaction AND NOT n:Outcome AND NOT n:IdempotencyKey AND NOT n:Webhook AND NOT n:Consent
  AND NOT n:AuditEntry AND NOT n:AuditChain
RETURN labels(n) AS labels, properties(n) AS properties,
  COUNT { (n)-->(m) WHERE NOT m:Interaction AND NOT m:Outcome AND NOT m:Consent } AS related
"""
WRITTEN = "MATCH (n) WHERE n:Interaction OR n:Outcome OR n:Webhook RETURN properties(n) AS properties"
FORGET = "MATCH (n) WHERE n:Interaction OR n:Outcome OR n:IdempotencyKey OR n:Webhook OR n:Consent DETACH DELETE n"
FORGET_READS = "MATCH (n) WHERE n:AuditEntry OR n:AuditChain DETACH DELETE n"
"""Else the audit log tells of what was read of a customer of some name, in the test itself."""
PLACED = {"gt", "gte", "lt", "lte", "search"}
"""What a text's first letters decide: an injection comes after harmless ones."""


@dataclass(frozen=True)
class Spot:
    """A place for a text.

    Attributes:
        path: the fields that lead to it, the last with the argument.
        below: the input fields down from the argument; ``0`` is a list's only item.
    """

    operation: str
    path: tuple
    argument: str
    below: tuple = ()

    def __str__(self):
        return ".".join([*(name for _, name in self.path), self.argument, *map(str, self.below)])

    @property
    def field(self):
        parent, name = self.path[-1]
        return parent.fields[name]


def text_places(kind, seen=()):
    """The ways down from an input type to a text."""
    kind = getattr(kind, "of_type", kind) if not isinstance(kind, GraphQLList) else kind
    match kind:
        case GraphQLList():
            return [(0, *below) for below in text_places(kind.of_type, seen)]
        case GraphQLInputObjectType() if kind not in seen:
            fields = kind.fields.items()
            return [(name, *below) for name, field in fields for below in text_places(field.type, (*seen, kind))]
        case _ if kind in (GraphQLString, GraphQLID):
            return [()]
    return []


def spots():
    """Each place for a text, by the shortest way to its field."""
    roots = {"query": SCHEMA.query_type, "mutation": SCHEMA.mutation_type}
    ways = [(operation, root, ()) for operation, root in roots.items()]
    known = set(roots.values())
    for operation, parent, way in ways:
        for name, field in parent.fields.items():
            path = (*way, (parent, name))
            for argument, given in field.args.items():
                for below in text_places(given.type):
                    yield Spot(operation, path, argument, below)
            kind = get_named_type(field.type)
            if isinstance(kind, GraphQLObjectType) and kind not in known:
                known.add(kind)
                ways.append((operation, kind, path))


def valid(name, kind):
    """A value that an input takes."""
    kind = getattr(kind, "of_type", kind) if not isinstance(kind, GraphQLList) else kind
    match kind:
        case GraphQLList():
            return [valid(name, kind.of_type)]
        case GraphQLInputObjectType():
            return {n: valid(n, f.type) for n, f in kind.fields.items() if is_required_input_field(f)}
        case GraphQLEnumType():
            return next(iter(kind.values))
    return VALID.get(name, True)


def with_text(value, name, kind, below, text):
    """A value that has a text in one place."""
    kind = getattr(kind, "of_type", kind) if not isinstance(kind, GraphQLList) else kind
    if not below:
        return text
    if isinstance(kind, GraphQLList):
        return [with_text(valid(name, kind.of_type), name, kind.of_type, below[1:], text)]
    own = kind.fields[below[0]]
    value = value if isinstance(value, dict) else {}
    return value | {below[0]: with_text(valid(below[0], own.type), below[0], own.type, below[1:], text)}


def literal(name, given):
    value = valid(name, given.type)
    return value if isinstance(get_named_type(given.type), GraphQLEnumType) else json.dumps(value)


def arguments(field, but=None, variable=None):
    parts = [f"{n}: {literal(n, a)}" for n, a in field.args.items() if is_required_argument(a) and n != but]
    parts += [f"{but}: ${variable}"] if but else []
    return f"({', '.join(parts)})" if parts else ""


def selection(kind, depth=2):
    """What is read of a type: all that takes no argument, two levels down; an offer's id has the second it was made in."""
    kind = get_named_type(kind)
    if is_leaf_type(kind):
        return ""
    names = ["__typename"]
    for name, field in getattr(kind, "fields", {}).items():
        if (kind.name, name) == ("Offer", "id"):
            continue
        if not field.args and (is_leaf_type(get_named_type(field.type)) or (depth and name in ("nodes", "errors"))):
            names.append(f"{name} {selection(field.type, depth - 1)}")
    return f"{{ {' '.join(names)} }}"


def document(spot, number):
    """One field of the spot for each of so many texts."""
    given = spot.field.args[spot.argument]
    variables = ", ".join(f"$v{n}: {given.type}" for n in range(number))
    name = spot.path[-1][1]
    text = " ".join(
        f"a{n}: {name}{arguments(spot.field, spot.argument, f'v{n}')} {selection(spot.field.type)}"
        for n in range(number)
    )
    for parent, way in reversed(spot.path[:-1]):
        text = f"{way}{arguments(parent.fields[way])} {{ {text} }}"
    return f"{spot.operation} ({variables}) {{ {text} }}"


def outcomes(answer, spot, number):
    """What came of each text: the data of its field, and the codes of its errors."""
    found = answer["data"]
    for _, way in spot.path[:-1]:
        found = found and found[way]
        found = found[0] if isinstance(found, list) else found
    assert found is not None or answer["errors"], "the bank of the tests has nothing there"
    errors = {n: [] for n in range(number)}
    for error in answer.get("errors", ()):
        alias = next(step for step in error["path"] if isinstance(step, str) and step[1:].isdigit())
        errors[int(alias[1:])].append(error["extensions"]["code"])
    return [(found and found[f"a{n}"], errors[n]) for n in range(number)]


async def graph(bank):
    rows = await bank.read(GRAPH)
    for row in rows:
        row["properties"] = {n: v for n, v in row["properties"].items() if not n.startswith("consent_")}
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in rows)


ALL = list(spots())


@pytest.fixture(autouse=True)
async def nothing_recorded(bank):
    yield
    await bank.write(FORGET)


@pytest.mark.parametrize("spot", [spot for spot in ALL if spot.operation == "query"], ids=str)
async def test_a_text_in_a_query_finds_what_is_called_so_and_nothing_else(spot, server, bank, bearers):
    is_placed = not PLACED.isdisjoint((spot.argument, *spot.below))
    texts = [HARMLESS, *([f"{HARMLESS}{text}"[:LONGEST_SEARCH] for text in INJECTIONS] if is_placed else INJECTIONS)]
    given = spot.field.args[spot.argument]
    before = await graph(bank)

    answers = []
    for some in (texts[:15], [HARMLESS, *texts[15:]]):
        values = [
            with_text(valid(spot.argument, given.type), spot.argument, given.type, spot.below, text) for text in some
        ]
        asked = {f"v{n}": value for n, value in enumerate(values)}
        await bank.write(FORGET_READS)
        answer = await server.ask(document(spot, len(some)), bearers.admin, **asked)
        assert "data" in answer, answer
        answers += outcomes(answer, spot, len(some))

    assert await graph(bank) == before
    assert {code for _, codes in answers for code in codes} <= {"BAD_INPUT", "NOT_FOUND"}
    assert [data for data, _ in answers] == [answers[0][0]] * len(answers)


@pytest.mark.parametrize("spot", [spot for spot in ALL if spot.operation == "mutation"], ids=str)
async def test_a_text_in_a_mutation_is_stored_as_it_is_or_refused(spot, server, bank, bearers):
    given = spot.field.args[spot.argument]
    before = await graph(bank)

    for text in INJECTIONS:
        value = with_text(valid(spot.argument, given.type), spot.argument, given.type, spot.below, text)
        answer = await server.ask(document(spot, 1), bearers.admin, v0=value)
        assert "errors" not in answer, answer

    assert await graph(bank) == before
    stored = chain(*(row["properties"].items() for row in await bank.read(WRITTEN)))
    told = {value for name, value in stored if isinstance(value, str) and name not in {"interaction_id", "webhook_id"}}
    assert told <= {*INJECTIONS, "ANNA", "CARD", "call", "key", "branch", VALID["url"]}
    if spot.below == ("note",):
        assert told >= {text for text in INJECTIONS if len(text) <= LONGEST_NOTE}


@pytest.mark.parametrize("field", ["offersChanged", "interactionRecorded"])
async def test_a_text_in_a_subscription_names_a_customer_or_nobody(server, bank, bearers, field):
    query = f"subscription ($no: String!) {{ {field}(customerNo: $no) {{ __typename }} }}"
    before = await graph(bank)

    async with server.socket(bearers.admin) as socket:
        for text in INJECTIONS:
            payload = {"query": query, "variables": {"no": text}}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            told, end = json.loads(await socket.recv()), json.loads(await socket.recv())
            assert [error["extensions"] for error in told["payload"]["errors"]] == [{"code": "NOT_FOUND"}]
            assert end == {"id": "1", "type": "complete"}

    assert await graph(bank) == before


def test_the_walk_comes_to_every_text():
    fields = [(kind, name, field) for kind in SCHEMA.type_map.values() if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__") for name, field in kind.fields.items()]  # fmt: skip
    texts = {(kind.name, name, a) for kind, name, field in fields for a, g in field.args.items() if text_places(g.type)}

    reached = {(spot.path[-1][0].name, spot.path[-1][1], spot.argument) for spot in ALL}

    listened = {"offersChanged", "interactionRecorded"}
    assert texts - reached == {("Subscription", field, "customerNo") for field in listened}
