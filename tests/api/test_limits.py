import dataclasses
import json
import math
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from graphql import get_introspection_query

from api.errors import Code
from api.limits import Limits

DOCS = Path(__file__).parents[2] / "docs" / "limits.md"
DEFAULT = Limits()
TOO_DEEP = "The document has a depth of 16; 15 is the most."
MANY_ALIASES = "The document has 31 aliases; 30 is the most."
MANY_REPEATS = "The document has one field {} times in a selection; 50 is the most."
MANY_TOKENS = "Syntax Error: Document contains more than 2000 tokens. Parsing aborted."
MANY_FIELDS = "The document has 21 root fields; 20 is the most."
MANY_DIRECTIVES = "The document has {} directives; 50 is the most."
LONG_LIST = "The document has a list of 101 items; 100 is the most."
LONG_TEXT = "The document has 30,001 bytes; 30,000 is the most."


def deep(inside, spread=None):
    """Have 14 levels, and what is inside."""
    relations = "relations(first: 1) { nodes { customer { %s } } }"
    chain = relations % (relations % (relations % (relations % inside)))
    return f"{{ viewer {{ customer {{ {spread or chain} }} }} }}" + (
        f" fragment F on Customer {{ {chain} }}" if spread else ""
    )


def aliases(number):
    return " ".join(f"a{n}: __typename" for n in range(number))


def names(number):
    return "__typename " * number


def tokens(number):
    return "{ __typename }" + "\n#" * (number - 3)  # comments count, too


def root_fields(number):
    return "{ __typename " + " ".join(f"... {{ r{n}: __typename }}" for n in range(number - 1)) + " }"


def viewer(inside):
    return f"{{ viewer {{ {inside} }} }}"


def ids(number):
    return "{ nodes(ids: [%s]) { id } }" % ('"x" ' * number)


def directives(number):
    return viewer(
        "... @include(if: true) { role } " * (number // 2) + "... @skip(if: false) { key } " * (number - number // 2)
    )


def long(number):
    return "{ __typename }#" + "x" * (number - 15)


ONE = "accounts { totalCount }"
TWO = "accounts { nodes { accountNo } }"
ALLOWED = {
    "depth": deep(ONE),
    "depth of a fragment": deep(ONE, "...F ...F"),
    "aliases": viewer(aliases(DEFAULT.aliases)),
    "aliases of a fragment": f"{viewer('...F ...F')} fragment F on Viewer {{ {aliases(DEFAULT.aliases // 2)} }}",
    "repeats": f"{{ {names(DEFAULT.repeats)} }}",
    "tokens": tokens(DEFAULT.tokens),
    "root fields": root_fields(DEFAULT.root_fields),
    "directives": directives(DEFAULT.directives),
    "items of a list": ids(DEFAULT.list_length),
    "bytes": long(DEFAULT.query_bytes),
}
REFUSED = {
    "depth": (deep(TWO), "DEPTH", TOO_DEEP, 16),
    "depth of a fragment": (deep(TWO, "...F"), "DEPTH", TOO_DEEP, 16),
    "depth of an inline fragment": (deep(f"... on Customer {{ {TWO} }}"), "DEPTH", TOO_DEEP, 16),
    "aliases": (viewer(aliases(31)), "ALIASES", MANY_ALIASES, 31),
    "aliases of a fragment, spread twice": (f"{viewer('x: __typename ...F ...F')} fragment F on Viewer {{ {aliases(15)} }}", "ALIASES", MANY_ALIASES, 31),
    "aliases of a second operation": (f"query A {{ __typename }} query B {viewer(aliases(31))}", "ALIASES", MANY_ALIASES, 31),
    "an introspection field 1,500 times": (f"{{ {names(1500)} }}", "REPEATS", MANY_REPEATS.format(1500), 1500),
    "a nested introspection field": (f"{{ {'__schema { types { name } } ' * 280} }}", "REPEATS", MANY_REPEATS.format(280), 280),
    "a field of inline fragments": ("{ " + "... { __typename } " * 51 + "}", "REPEATS", MANY_REPEATS.format(51), 51),
    "a field of a fragment, spread often": ("{ " + "...F " * 600 + "} fragment F on Query { __typename }", "REPEATS", MANY_REPEATS.format(600), 600),
    "a field of fragments, doubled 100 times": (
        "{ ...F0 }" + "".join(f" fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(100))
        + " fragment F100 on Query { __typename }",
        "REPEATS", MANY_REPEATS.format(2**100), 2**100,
    ),
    "tokens": (tokens(DEFAULT.tokens + 1), "TOKENS", MANY_TOKENS, None),
    "tokens of one field": (f"{{ {names(2000)} }}", "TOKENS", MANY_TOKENS, None),
    "nesting beyond the parser": ("{ a " * 400 + "}" * 400, "EXCEEDED", "Syntax Error: Document is nested too deeply. Parsing aborted.", None),
    "root fields": (root_fields(21), "ROOT_FIELDS", MANY_FIELDS, 21),
    "directives": (directives(51), "DIRECTIVES", MANY_DIRECTIVES.format(51), 51),
    "unknown directives": (f"{{ __typename {'@a ' * 900} }}", "DIRECTIVES", MANY_DIRECTIVES.format(900), 900),
    "items of a list": (ids(101), "LIST_LENGTH", LONG_LIST, 101),
    "bytes": (long(30_001), "QUERY_BYTES", LONG_TEXT, 30_001),
}  # fmt: skip


async def asked(server, bearer, transport, document):
    """The answer to a document, and errors alike over each transport."""
    name = "A" if document.startswith("query A") else None
    payload = {"query": document} | ({"operationName": name} if name else {})
    if transport == "WebSocket":
        async with server.socket(bearer) as socket:
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            message = json.loads(await socket.recv())
            return {"errors": message["payload"]} if message["type"] == "error" else message["payload"]
    headers = {"Authorization": f"Bearer {bearer}"}
    if transport == "POST":
        return (await server.client.post("/graphql", json=payload, headers=headers)).json()
    query = "&".join(f"{key}={quote(value)}" for key, value in payload.items())
    return (await server.client.get(f"/graphql?{query}", headers=headers)).json()


@pytest.fixture(params=["POST", "GET", "WebSocket"])
def ask(request, server, bearers):
    return lambda document: asked(server, bearers.anna, request.param, document)


@pytest.mark.parametrize("document", ALLOWED.values(), ids=ALLOWED)
async def test_a_document_at_the_limit_is_answered(ask, document):
    assert "errors" not in await ask(document)


@pytest.mark.parametrize(("document", "limit", "message", "found"), REFUSED.values(), ids=REFUSED)
async def test_a_document_beyond_the_limit_is_refused_with_its_code(ask, document, limit, message, found):
    [error] = (await ask(document))["errors"]

    told = {"found": found, "most": getattr(DEFAULT, limit.lower())} if found else {}
    assert (error["message"], error["extensions"]) == (message, {"code": f"LIMIT_{limit}"} | told)


async def test_a_fragment_that_spreads_itself_is_refused(ask):
    [error] = (await ask("{ viewer { ...F } } fragment F on Viewer { role ...F }"))["errors"]

    assert error["message"] == "Cannot spread fragment 'F' within itself."
    assert error["extensions"] == {"code": "BAD_REQUEST"}


async def test_the_introspection_of_graphiql_is_within_the_limits(server, bearers):
    answer = await server.ask(get_introspection_query(), bearers.admin)

    assert "errors" not in answer


@pytest.mark.parametrize(
    ("variables", "code", "found"),
    [
        ({"ids": ["x"] * 101}, "LIMIT_LIST_LENGTH", 101),
        ({"ids": [], "unused": {"in": [[3] * 101]}}, "LIMIT_LIST_LENGTH", 101),
        ({"ids": ["x" * 49_990]}, "LIMIT_VARIABLES_BYTES", 50_002),
        ({"ids": ["关" * 16_700]}, "LIMIT_VARIABLES_BYTES", 50_112),
    ],
    ids=["a list", "a nested list", "a long text", "a text of wide characters"],
)
async def test_variables_beyond_the_limit_are_refused(server, bearers, variables, code, found):
    response = await server.post("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", bearers.anna, **variables)

    [error] = response.json()["errors"]
    assert response.status_code == (400 if code == "LIMIT_LIST_LENGTH" else 413)
    assert error["extensions"] == {"code": code, "found": found, "most": getattr(DEFAULT, code[6:].lower())}


async def test_a_list_in_the_variables_may_be_as_long_as_the_limit(server, bearers):
    answer = await server.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", bearers.anna, ids=["x"] * 100)

    assert answer["data"] == {"nodes": [None] * 100}


async def test_a_limit_is_what_the_operator_sets(bank, serving, bearers):
    async with serving(bank, limits=Limits(depth=1, cost=30, query_bytes=100)) as strict:
        [deep] = (await strict.ask("{ viewer { customer { name } } }", bearers.anna))["errors"]
        [dear] = (
            await strict.ask('{ customer(customerNo: "ANNA") { totals: accounts { totalCount } } }', bearers.anna)
        )["errors"]
        [long_] = (await strict.ask("{ __typename }" + "#" * 87, bearers.anna))["errors"]

    assert [error["extensions"]["most"] for error in (deep, dear, long_)] == [1, 1, 100]


def test_no_limit_is_below_one():
    with pytest.raises(ValueError, match=r"limit_depth is above 0, not 0"):
        Limits(depth=0)


@pytest.mark.parametrize("name", ["seconds", "client_rate", "token_rate", "waiting_seconds"])
def test_every_limit_is_finite(name):
    with pytest.raises(ValueError, match=f"limit_{name} is finite, not inf"):
        Limits(**{name: math.inf})
    with pytest.raises(ValueError, match=f"limit_{name} is above 0, not nan"):
        Limits(**{name: math.nan})


def documented():
    """The settings, defaults and codes of the documentation's table."""
    rows = re.findall(r"^\| `GUANXI_LIMIT_(\w+)` \| ([\d,.]+) \| (?:`(\w+)`)?.*\|", DOCS.read_text(), re.MULTILINE)
    return {name.lower(): (float(default.replace(",", "")), code or None) for name, default, code in rows}


def test_every_limit_is_documented_with_its_default_and_its_code():
    codes = set(Code)
    limits = {
        limit.name: (limit.default, code if (code := f"LIMIT_{limit.name.upper()}") in codes else None)
        for limit in dataclasses.fields(Limits)
    }

    assert documented() == limits


def test_every_code_of_a_limit_is_that_of_a_setting():
    named = {f"LIMIT_{limit.name.upper()}" for limit in dataclasses.fields(Limits)}

    assert {code for code in Code if code.startswith("LIMIT_")} - named == {Code.LIMIT_EXCEEDED}
