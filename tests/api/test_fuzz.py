"""Documents and requests that nobody thought of: none breaks the server, or makes it tell."""

import json
import re
from dataclasses import replace

import pytest
from graphql import IntValueNode, NullValueNode, StringValueNode, Visitor, build_schema, parse_value, print_ast, visit
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import Mode, from_schema

from api.errors import Code
from api.global_ids import global_id
from api.schema import printed

SCHEMA = build_schema(printed())
KNOWN = {
    "customerNo": StringValueNode(value="ANNA"), "productCode": StringValueNode(value="CARD"),
    "id": StringValueNode(value=global_id("Customer", "ANNA")), "first": IntValueNode(value="3"),
    "last": NullValueNode(), "after": NullValueNode(), "before": NullValueNode(),
}  # fmt: skip
CODES = {"UNAUTHENTICATED", "BAD_REQUEST", "BAD_INPUT", "NOT_FOUND", "FORBIDDEN"} | {
    code for code in Code if code.startswith("LIMIT_")
}
LEAK = re.compile(r"Traceback|\.py\b|site-packages|bolt://|neo4j|arcadedb|MATCH \(", re.IGNORECASE)
"""What only the inside of the server knows."""
EXAMPLES = 40
fuzzed = settings(
    max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def texts(strategy):
    return strategy.map(lambda text: StringValueNode(value=text))


SCALARS = {
    "JSON": texts(st.text())
    | st.dictionaries(st.from_regex("[a-z]{1,8}", fullmatch=True), st.integers(-9, 9)).map(
        lambda given: parse_value(f"{{{', '.join(f'{name}: {value}' for name, value in given.items())}}}")
    ),
    "Date": texts(st.dates().map(str) | st.text()),
    "DateTime": texts(st.datetimes(timezones=st.timezones() | st.none()).map(lambda at: at.isoformat()) | st.text()),
}


class Knowing(Visitor):
    """Asks for what the bank has, and for pages that there are, in the place of most values for them."""

    def _known(self, node, *_):
        known = KNOWN.get(node.name.value)
        return replace(node, value=known) if known and len(print_ast(node.value)) % 4 else None

    enter_argument = enter_object_field = _known


def knowing(document):
    text = print_ast(visit(document, Knowing()))
    return text.replace('"ANNA"', '"NOBODY"') if "eraseCustomer" in text else text  # others ask for her, too


ROOTS = {**SCHEMA.query_type.fields, **SCHEMA.mutation_type.fields}
CASES = [(name, mode) for name, field in ROOTS.items() for mode in Mode if field.args or mode is Mode.POSITIVE]
"""Without an argument there is nothing to be wrong about."""
AWKWARD = st.text(st.sampled_from("\ud800\0\"'\\a关"), max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | AWKWARD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = ["{ __typename }", "query ($no: String!) { customer(customerNo: $no) { name } }"]
REQUESTS = st.fixed_dictionaries(
    {
        "query": st.sampled_from(DOCUMENTS) | VALUES,
        "variables": st.fixed_dictionaries({"no": AWKWARD}) | st.fixed_dictionaries({"no": VALUES}) | VALUES,
    },
    optional={"operationName": st.none() | VALUES, "extensions": st.none() | VALUES},
).map(lambda request: json.dumps(request).encode())
HEADER = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_categories=["Cc"]), max_size=40).map(
    lambda text: text.encode("latin-1")
)
NAMES = ["Accept", "Content-Type", "Authorization", "Origin", "X-Request-ID", "Content-Encoding"]
HEADERS = st.just({}) | st.dictionaries(st.sampled_from(NAMES), HEADER, max_size=2)


def checked(response):
    """The codes of an answer that leaks nothing; what was sent is none, as texts of this code are among it."""
    assert response.status_code < 500, response.text
    sent = f"{response.request.url} {response.request.content.decode(errors='replace')}".lower()
    assert [leak for leak in LEAK.findall(response.text) if leak.lower() not in sent] == [], response.text
    answer = response.json()
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    assert codes <= CODES, answer
    return codes


@pytest.fixture(autouse=True)
async def still_alive(server, bank, bearers):
    yield
    assert (await server.ask('{ customer(customerNo: "ANNA") { name } }', bearers.admin)) == {
        "data": {"customer": {"name": "Anna"}}
    }
    await bank.write("MATCH (n) WHERE n:Outcome OR n:Interaction OR n:Consent DETACH DELETE n")
    await bank.write("MATCH (c:Customer) WHERE c.consent_at IS NOT NULL SET c.marketing_consent = true")


@pytest.mark.parametrize(("root", "mode"), CASES, ids=lambda case: getattr(case, "name", case).lower())
@fuzzed
@given(data=st.data())
async def test_a_document_is_answered_or_refused(root, mode, server, bearers, data):
    documents = from_schema(
        SCHEMA, fields=[root], custom_scalars=SCALARS, print_ast=knowing, mode=mode, allow_null=data.draw(st.booleans())
    )

    checked(await server.post(data.draw(documents), bearers.admin))


@settings(fuzzed, max_examples=10 * EXAMPLES)
@given(content=st.binary() | REQUESTS, headers=HEADERS, query=st.text(max_size=40))
async def test_a_request_is_answered_or_refused(server, bearers, content, headers, query):
    given_headers = {"Authorization": f"Bearer {bearers.admin}", "Content-Type": "application/json"} | headers

    checked(await server.client.post("/graphql", content=content, headers=given_headers))
    checked(await server.client.get("/graphql", params={"query": query, "variables": content}, headers=headers))
