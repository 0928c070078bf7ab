import json
from urllib.parse import quote

import pytest
from graphql import get_introspection_query

from api.limits import ALIASES, DEPTH, REPEATS
from api.schema import TOKENS

TOO_DEEP = "The document has a depth of 16; 15 is the most."
MANY_ALIASES = "The document has 31 aliases; 30 is the most."
MANY_REPEATS = "The document has one field {} times in a selection; 50 is the most."
MANY_TOKENS = "Syntax Error: Document contains more than 2000 tokens. Parsing aborted."


def deep(inside, spread=None):
    """Have 14 levels, and what is inside."""
    relations = "relations { nodes { customer { %s } } }"
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


ONE = "accounts { totalCount }"
TWO = "accounts { nodes { accountNo } }"
ALLOWED = {
    "depth": deep(ONE),
    "depth of a fragment": deep(ONE, "...F ...F"),
    "aliases": f"{{ {aliases(ALIASES)} }}",
    "aliases of a fragment": f"{{ ...F ...F }} fragment F on Query {{ {aliases(ALIASES // 2)} }}",
    "repeats": f"{{ {names(REPEATS)} }}",
    "tokens": tokens(TOKENS),
}
REFUSED = {
    "depth": (deep(TWO), TOO_DEEP),
    "depth of a fragment": (deep(TWO, "...F"), TOO_DEEP),
    "depth of an inline fragment": (deep(f"... on Customer {{ {TWO} }}"), TOO_DEEP),
    "aliases": (f"{{ {aliases(31)} }}", MANY_ALIASES),
    "aliases of a fragment, spread twice": (f"{{ x: __typename ...F ...F }} fragment F on Query {{ {aliases(15)} }}", MANY_ALIASES),
    "aliases of a second operation": (f"query A {{ __typename }} query B {{ {aliases(31)} }}", MANY_ALIASES),
    "an introspection field 1,500 times": (f"{{ {names(1500)} }}", MANY_REPEATS.format(1500)),
    "a nested introspection field": (f"{{ {'__schema { types { name } } ' * 280} }}", MANY_REPEATS.format(280)),
    "a field of inline fragments": ("{ " + "... { __typename } " * 51 + "}", MANY_REPEATS.format(51)),
    "a field of a fragment, spread often": ("{ " + "...F " * 600 + "} fragment F on Query { __typename }", MANY_REPEATS.format(600)),
    "a field of fragments, doubled 100 times": (
        "{ ...F0 }" + "".join(f" fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(100))
        + " fragment F100 on Query { __typename }",
        MANY_REPEATS.format(2**100),
    ),
    "tokens": (tokens(TOKENS + 1), MANY_TOKENS),
    "tokens of one field": (f"{{ {names(2000)} }}", MANY_TOKENS),
    "nesting beyond the parser": ("{ a " * 400 + "}" * 400, "Syntax Error: Document is nested too deeply. Parsing aborted."),
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
    assert list(await ask(document)) == ["data"]


@pytest.mark.parametrize(("document", "message"), REFUSED.values(), ids=REFUSED)
async def test_a_document_beyond_the_limit_is_refused_with_its_code(ask, document, message):
    [error] = (await ask(document))["errors"]

    assert (error["message"], error["extensions"]) == (message, {"code": "LIMIT_EXCEEDED"})


async def test_a_fragment_that_spreads_itself_is_refused(ask):
    [error] = (await ask("{ viewer { ...F } } fragment F on Viewer { role ...F }"))["errors"]

    assert error["message"] == "Cannot spread fragment 'F' within itself."
    assert error["extensions"] == {"code": "BAD_REQUEST"}


async def test_the_introspection_of_graphiql_is_within_the_limits(server, bearers):
    answer = await server.ask(get_introspection_query(), bearers.admin)

    assert "errors" not in answer


def test_the_limits_are_those_that_the_messages_tell():
    assert (DEPTH, ALIASES, REPEATS, TOKENS) == (15, 30, 50, 2000)
