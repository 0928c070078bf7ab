import json
import logging

import pytest

from api.guards import HEADERS
from graph.errors import StoreUnavailable

YEAR = 31_536_000


class BrokenStore:
    """A store that fails as no store should."""

    failure = RuntimeError("password=hunter2 at /srv/secret.py")

    async def ping(self, _):
        raise StoreUnavailable("It is broken.")

    async def read(self, *_, **__):
        raise self.failure


@pytest.fixture(scope="module")
async def broken(serving):
    async with serving(BrokenStore(), development=False) as running:
        yield running


@pytest.mark.parametrize("path", ["/graphql", "/graphql?query={__typename}", "/healthz", "/readyz", "/nothing", "/%00", "/graphiql/%00", "/graphiql/../x"])  # fmt: skip
async def test_every_response_says_what_browsers_shall_not_do_with_it(server, path):
    response = await server.client.get(path)

    assert response.status_code < 500
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS
    assert "strict-transport-security" not in response.headers


async def test_graphiql_may_load_its_own_files_and_be_framed_by_nobody(server):
    page = await server.client.get("/graphql", headers={"Accept": "text/html"})

    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "script-src" not in policy
    assert "<script>" not in page.text


async def test_hsts_is_said_where_it_is_configured(bank, serving):
    async with serving(bank, hsts_seconds=YEAR) as running:
        response = await running.client.get("/healthz")

    assert response.headers["strict-transport-security"] == f"max-age={YEAR}"


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", None])  # fmt: skip
async def test_what_a_page_may_send_without_asking_first_is_refused(server, bearers, media_type):
    given = {"Authorization": f"Bearer {bearers.admin}", "Origin": "https://evil.example", "Cookie": "session=1"}
    headers = given | ({"Content-Type": media_type} if media_type else {})

    response = await server.client.post("/graphql", content=b'{"query": "{ __typename }"}', headers=headers)

    assert response.status_code == 415


async def test_outside_development_a_page_can_ask_nothing_without_a_token(broken):
    response = await broken.client.get("/graphql?query={__typename}", headers={"Origin": "https://evil.example"})

    assert response.status_code == 401
    assert "access-control-allow-origin" not in response.headers


async def test_what_was_not_foreseen_is_masked_and_found_in_the_log_by_its_id(broken, bearers, caplog):
    response = await broken.post('{ customer(customerNo: "ANNA") { name } }', bearers.admin)

    [error] = response.json()["errors"]
    assert error["message"] == "Something went wrong on our side."
    assert error["extensions"] == {"code": "INTERNAL", "requestId": response.headers["x-request-id"]}
    assert "hunter2" not in response.text
    assert "hunter2" in caplog.text


async def test_what_breaks_outside_of_graphql_is_masked_too(broken, bearers, caplog, monkeypatch):
    monkeypatch.setattr("api.endpoint.graphql_request", None)

    response = await broken.post("{ __typename }", bearers.admin)

    assert response.status_code == 500
    assert response.json()["errors"] == [
        {
            "message": "Something went wrong on our side.",
            "extensions": {"code": "INTERNAL", "requestId": response.headers["x-request-id"]},
        }
    ]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert (await broken.client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{ vieweer { role } }", "Cannot query field 'vieweer' on type 'Query'."),
        (
            '{ customer(customerNumber: "ANNA") { name } }',
            "Unknown argument 'customerNumber' on field 'Query.customer'.",
        ),
        ("{ viewer { ... on Custmer { name } } }", "Unknown type 'Custmer'."),
    ],
)
async def test_outside_development_errors_suggest_no_names_of_the_schema(broken, server, bearers, document, message):
    hidden = (await broken.ask(document, bearers.admin))["errors"][0]["message"]
    shown = (await server.ask(document, bearers.admin))["errors"][0]["message"]

    assert hidden == message
    assert shown.startswith(f"{message} Did you mean ")


async def test_outside_development_a_variable_suggests_nothing_either(broken, server, bearers):
    document = "query ($order: [CustomerOrder!]) { customers(orderBy: $order) { totalCount } }"

    hidden, shown = [
        json.dumps((await on.ask(document, bearers.admin, order=[{"field": "NAMF"}]))["errors"])
        for on in (broken, server)
    ]

    assert "Did you mean" in shown
    assert "Did you mean" not in hidden
    assert "'NAME'" not in hidden
