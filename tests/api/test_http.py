import asyncio
import gzip
import json
import re
from contextlib import asynccontextmanager
from urllib.parse import quote

import pytest

from tests.waiting import until

GRAPHQL, JSON = "application/graphql-response+json", "application/json"
ORIGIN = "https://app.bank.example"
NAME = "{__typename}"
HELLO = json.dumps({"query": NAME}).encode()
DEEP = b"[" * 50_000 + b"]" * 50_000
TWO = "query A { __typename } query B { viewer { role } }"


@pytest.fixture(scope="module")
async def production(bank, serving):
    async with serving(bank, development=False, origins=(ORIGIN,)) as running:
        yield running


@pytest.fixture
def call(server, bearers):
    """Return a function: a request to /graphql with an administrator's token; a header of None is left out."""

    async def send(method, content=None, query=None, on=server, **headers):
        given = {"Authorization": f"Bearer {bearers.admin}"} | ({"Content-Type": JSON} if content is not None else {})
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        url = "/graphql" + (f"?{query}" if query else "")
        sent = {name: value for name, value in given.items() if value is not None}
        return await on.client.request(method, url, content=content, headers=sent)

    return send


@asynccontextmanager
async def raw(server, line, bearer, *headers):
    """Send the head of a request that httpx would not send, and hang up at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    head = [f"{line} HTTP/1.1", "Host: x", f"Authorization: Bearer {bearer}", *headers]
    writer.write("\r\n".join([*head, "", ""]).encode())
    await writer.drain()
    yield reader
    writer.close()
    await writer.wait_closed()


def codes(response):
    return [error["extensions"]["code"] for error in response.json()["errors"]]


def media_type(response):
    kind, _, parameter = response.headers["content-type"].partition("; ")
    assert parameter == "charset=utf-8"
    return kind


async def test_a_query_is_answered_by_post_and_by_get(call):
    posted = await call("POST", HELLO)
    got = await call("GET", query=f"query={NAME}")

    assert (posted.status_code, posted.json()) == (got.status_code, got.json())
    assert (got.status_code, got.json()["data"]) == (200, {"__typename": "Query"})


async def test_variables_and_operation_name_go_by_post_and_by_get(call):
    query = "query A { __typename } query B($no: String!) { customer(customerNo: $no) { name } }"
    variables = {"no": "ANNA"}

    posted = await call("POST", json.dumps({"query": query, "operationName": "B", "variables": variables}).encode())
    got = await call("GET", query=f"query={quote(query)}&operationName=B&variables={quote(json.dumps(variables))}")

    assert posted.json()["data"] == got.json()["data"] == {"customer": {"name": "Anna"}}


@pytest.mark.parametrize(
    ("method", "document", "status", "allow"),
    [
        ("GET", "mutation { __typename }", 405, "POST"),
        ("GET", 'subscription { offersChanged(customerNo: "ANNA") { name } }', 400, None),
        ("POST", 'subscription { offersChanged(customerNo: "ANNA") { name } }', 400, None),
    ],
)
async def test_an_operation_of_another_kind_is_refused(call, method, document, status, allow):
    given = {"query": f"query={quote(document)}"} if method == "GET" else {"content": json.dumps({"query": document})}

    response = await call(method, **given)

    assert (response.status_code, codes(response)) == (status, ["BAD_REQUEST"])
    assert response.headers.get("allow") == allow


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_another_method_is_refused_and_told_which_are_allowed(call, method):
    response = await call(method)

    assert (response.status_code, response.headers["allow"], codes(response)) == (405, "GET, POST", ["BAD_REQUEST"])


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        (JSON, 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON; charset="UTF-8"', 200),
        ("application/json; charset=utf-16", 415),
        ("text/plain", 415),
        ("application/graphql", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        (None, 415),
    ],
)
async def test_only_json_in_utf_8_is_read(call, media_type, status):
    assert (await call("POST", HELLO, Content_Type=media_type)).status_code == status


@pytest.mark.parametrize("encoding", ["gzip", "br", "x"])
async def test_a_body_that_is_encoded_is_refused(call, encoding):
    response = await call("POST", gzip.compress(HELLO), Content_Encoding=encoding)

    assert (response.status_code, codes(response)) == (415, ["BAD_REQUEST"])
    assert response.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("accept", ["text/html", f"{JSON};q=0", "*/*;q=0", f"{JSON}; charset=utf-16", "x"])
async def test_a_client_that_accepts_no_json_is_refused(call, accept):
    posted = await call("POST", HELLO, Accept=accept)
    got = await call("GET", query=f"query={NAME}", Accept=accept)

    for response in (posted, got):
        assert (response.status_code, media_type(response), codes(response)) == (406, JSON, ["BAD_REQUEST"])


async def test_all_lines_of_a_header_count(server, bearers):
    lines = [("Accept", "text/html"), ("Accept", GRAPHQL), ("Authorization", f"Bearer {bearers.admin}")]

    response = await server.client.post("/graphql", json={"query": NAME}, headers=lines)

    assert (response.status_code, media_type(response)) == (200, GRAPHQL)


async def test_a_null_character_in_a_document_is_refused(call):
    document = '{ customer(customerNo: "A\\u0000") { name } }'

    response = await call("POST", json.dumps({"query": document}))

    assert [error["message"] for error in response.json()["errors"]] == ["A text has the character U+0000."]
    assert codes(response) == ["BAD_REQUEST"]


async def test_a_path_that_is_nearly_ours_leads_nowhere(server):
    response = await server.client.get("/graphql/", headers={"Host": "evil.example"})

    assert (response.status_code, response.headers.get("location")) == (404, None)


async def test_a_body_or_url_that_is_too_large_is_refused(call, server, bearers):
    async def chunks():
        for _ in range(11):
            yield b" " * 10_000

    declared = await call("POST", b" " * 100_001)
    chunked = await call("POST", chunks())
    url = await call("GET", query=f"query={'x' * 32_768}")
    async with raw(server, f"GET /graphql?query={'x' * 100_000}", bearers.admin) as reader:
        assert await reader.readline() == b"HTTP/1.1 400 Bad Request\r\n"

    for response, status in ((declared, 413), (chunked, 413), (url, 414)):
        assert (response.status_code, codes(response)) == (status, ["LIMIT_EXCEEDED"])


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"3", b'"x"', b"{}", b"[]", b"[" + HELLO + b"]", b"{", b"\xff\xfe", b'{"query": ""}', b'{"query": 3}',
        DEEP, b"[" * 100_000, b'{"query": "{__typename}", "variables": {"n": ' + b"9" * 20_000 + b"}}",
        b'{"query": "{__typename}", "operationName": "\\ud800"}', b'{"query": "{__typename}", "operationName": 3}',
        b'{"query": "{__typename}", "variables": []}', b'{"query": "{__typename}", "extensions": "x"}',
        b'{"query": "query A {__typename}", "operationName": "B"}', b'{"query": "fragment F on Query {__typename}"}',
        b'{"query": "{__typename}", "query": "{ viewer { role } }"}', HELLO.decode().encode("utf-16"),
        b'{"query": "{__typename}", "variables": {"a": [{"b": 1, "b": 2}]}}',
        b'{"query": "{__typename}", "variables": {"text": "\\u0000"}}', b'{"query": "{__typename}", "variables": {"n": NaN}}',
        b'{"query": "{__typename}", "variables": {"\\u0000": 1}}', b'{"query": "{__typename}", "variables": {"n": 1e999}}',
    ],
    ids=lambda body: repr(body[:60]),
)  # fmt: skip
@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_what_is_no_request_is_a_bad_one(call, body, accept):
    response = await call("POST", body, Accept=accept)

    assert (response.status_code, media_type(response), codes(response)) == (400, accept, ["BAD_REQUEST"])


@pytest.mark.parametrize(
    "query",
    [
        "", "query=", "query={__typename}&variables=" + "[" * 10_000, "query={__typename}&variables=[]",
        "query={__typename}&query={__typename}", 'query={__typename}&variables={"n":1,"n":2}', 'query={__typename}&variables={"n":"\\u0000"}',
        "query={__typename}&variables={", "query={__typename}&extensions=3",
        "query={__typename}&operationName=%ED%A0%80",
    ],
    ids=lambda query: query[:40],
)  # fmt: skip
async def test_what_is_no_request_by_get_is_a_bad_one(call, query):
    response = await call("GET", query=query)

    assert (response.status_code, codes(response)) == (400, ["BAD_REQUEST"])


@pytest.mark.parametrize(("accept", "status", "spoken"), [(JSON, 200, JSON), ("*/*", 200, JSON), (None, 200, JSON),
    (GRAPHQL, 400, GRAPHQL), (f"{GRAPHQL};q=0.5, {JSON};q=0.9", 200, JSON), (GRAPHQL.upper(), 400, GRAPHQL)])  # fmt: skip
@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "Syntax Error: Expected Name, found <EOF>."),
        ("{ nope }", "Cannot query field 'nope' on type 'Query'. Did you mean 'node' or 'nodes'?"),
        (TWO, "Name the operation: the document has several."),
        ("{ customers(first: %s) { totalCount } }" % ("9" * 20_000), "A value in the document cannot be read."),
    ],
    ids=["syntax", "validation", "two operations", "digits"],
)
async def test_a_document_that_cannot_be_executed_has_the_status_of_its_media_type(
    call, accept, status, spoken, document, message
):
    response = await call("POST", json.dumps({"query": document}), Accept=accept)

    assert (response.status_code, media_type(response)) == (status, spoken)
    assert [error["message"] for error in response.json()["errors"]] == [message]
    assert codes(response) == ["BAD_REQUEST"]
    assert "data" not in response.json()


async def test_an_error_of_execution_is_200_in_either_media_type(call):
    body = json.dumps({"query": '{ a: customer(customerNo: "ANNA") { name } decision(customerNo: "?", productCode: "CARD") { offered } }'})  # fmt: skip

    for accept in (JSON, GRAPHQL):
        response = await call("POST", body, Accept=accept)
        assert (response.status_code, media_type(response), codes(response)) == (200, accept, ["NOT_FOUND"])
        assert response.json()["data"] is None


@pytest.mark.parametrize(("path", "stored"), [("/graphql", False), ("/healthz", False), ("/readyz", False), ("/nothing", False), ("/graphiql/graphiql.min.css", True)])  # fmt: skip
async def test_no_response_may_be_sniffed_or_stored_or_names_the_server(server, path, stored):
    headers = (await server.client.get(path)).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers.get("cache-control") == (None if stored else "no-store")
    assert "server" not in headers
    assert "x-powered-by" not in headers


async def test_headers_that_are_too_large_are_refused(call):
    response = await call("POST", HELLO, X="x" * 16_384)

    assert (response.status_code, codes(response)) == (431, ["LIMIT_EXCEEDED"])
    assert (response.headers["cache-control"], response.headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert (await call("POST", HELLO, X="x" * 14_000)).status_code == 200


PREFLIGHT = {
    "Access_Control_Request_Method": "POST",
    "Access_Control_Request_Headers": "authorization, content-type, x-request-id",
}


async def test_no_origin_may_call_from_a_browser_unless_it_is_configured(call, server, production):
    for on, origin, allowed in [(server, ORIGIN, None), (production, "https://evil.example", None), (production, ORIGIN, ORIGIN)]:  # fmt: skip
        simple = await call("POST", HELLO, on=on, Origin=origin)
        preflight = await call("OPTIONS", on=on, Origin=origin, Authorization=None, **PREFLIGHT)

        assert simple.headers.get("access-control-allow-origin") == allowed
        assert preflight.headers.get("access-control-allow-origin") == allowed
        assert preflight.status_code == (200 if allowed else 400)
        assert simple.headers["access-control-expose-headers"] == "X-Request-ID, Retry-After"
        assert "access-control-allow-credentials" not in simple.headers


async def test_graphiql_is_served_in_development_and_without_the_internet(server):
    page = await server.client.get("/graphql", headers={"Accept": "text/html"})

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert re.findall(r"https?:|(?:src|href)=\"//", page.text) == []
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(assets) == 5
    for asset in assets:
        assert (await server.client.get(asset)).status_code == 200


async def test_outside_development_there_is_no_graphiql_no_introspection_and_no_anonymous(call, production):
    page = await call("GET", on=production, Accept="text/html")
    introspection = await call("POST", json.dumps({"query": "{ __schema { queryType { name } } }"}), on=production)
    anonymous = await call("POST", HELLO, on=production, Authorization=None)

    assert (page.status_code, codes(page)) == (406, ["BAD_REQUEST"])
    assert (await production.client.get("/graphiql/graphiql.min.css")).status_code == 404
    assert "introspection has been disabled" in introspection.json()["errors"][0]["message"]
    assert (anonymous.status_code, anonymous.headers["www-authenticate"]) == (401, "Bearer")
    assert codes(anonymous) == ["UNAUTHENTICATED"]


@pytest.mark.parametrize("document", ["{", "{ nope }", '{ decision(customerNo: "?", productCode: "?") { offered } }'])
async def test_a_callers_mistake_is_nothing_for_the_servers_log(call, caplog, document):
    assert (await call("POST", json.dumps({"query": document}))).json()["errors"]

    assert caplog.messages == []


@pytest.mark.parametrize(
    ("line", "headers"),
    [
        ("POST /graphql", ["Content-Length: 5", "Transfer-Encoding: chunked"]),
        ("POST /graphql", ["Content-Length: 5", "Content-Length: 6"]),
        ("POST /graphql", ["Transfer-Encoding: chunked, identity"]),
        ("GET /graphql", ["X-Null: a\0b"]),
        ("GET /graphql", ["X-Null\0: ab"]),
        ("GET /graphql?query=\0", []),
        ("GET /graphql", [" folded: x"]),
    ],
)
async def test_a_head_that_means_two_things_or_has_a_null_is_refused(server, bearers, line, headers):
    async with raw(server, line, bearers.admin, *headers) as reader:
        assert await reader.readline() == b"HTTP/1.1 400 Bad Request\r\n"
        await reader.read()


async def test_a_caller_who_hangs_up_is_nothing_for_the_servers_log(call, server, bearers, capfd):
    async with raw(server, "POST /graphql", bearers.admin, f"Content-Type: {JSON}", "Content-Length: 100"):
        assert (await call("POST", HELLO)).status_code == 200

    await until(lambda: not server.server.server_state.tasks)
    assert capfd.readouterr().err == ""
