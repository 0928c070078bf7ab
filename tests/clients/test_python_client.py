"""Python's ``gql`` over httpx and websockets, checking its documents against ``schema.graphql`` first."""

import asyncio
from pathlib import Path

import pytest
from gql import Client, GraphQLRequest, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from tests.waiting import PATIENCE

SCHEMA = (Path(__file__).parents[2] / "schema.graphql").read_text()
PAGE = gql("""
    query Page($first: Int, $after: String) {
      customers(first: $first, after: $after) { edges { node { ...Named } } pageInfo { endCursor hasNextPage } }
    }
    fragment Named on Customer { id customerNo }
""")
CONSENT = gql("""
    mutation Consent($input: SetConsentInput!) {
      setConsent(input: $input) { customer { id consentVersion } errors { code message path } }
    }
""")
CHANGED = gql("subscription Changed($no: String!) { offersChanged(customerNo: $no) { customerNo } }")
WHY = gql('{ decision(customerNo: "nobody", productCode: "nothing") { offered } }')


@pytest.fixture
def over_http(served, token):
    return Client(
        schema=SCHEMA, transport=HTTPXAsyncTransport(served.url, headers={"Authorization": f"Bearer {token}"})
    )


@pytest.fixture
def over_socket(served, token):
    url, payload = served.url.replace("http", "ws"), {"authorization": f"Bearer {token}"}
    return Client(schema=SCHEMA, transport=WebsocketsTransport(url, init_payload=payload))


async def test_it_pages_through_customers(over_http):
    seen, cursor, more = [], None, True
    async with over_http as session:
        while more:
            request = GraphQLRequest(PAGE, variable_values={"first": 20, "after": cursor})
            page = (await session.execute(request))["customers"]
            seen += [edge["node"]["customerNo"] for edge in page["edges"]]
            cursor, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]

    assert len(seen) == len(set(seen)) == 50


async def test_it_is_told_a_coded_error(over_http):
    async with over_http as session:
        with pytest.raises(TransportQueryError) as caught:
            await session.execute(WHY)

    assert caught.value.errors[0]["extensions"]["code"] == "NOT_FOUND"


async def test_it_hears_over_a_socket_what_it_writes_over_it(over_socket, customer_no):
    consent = GraphQLRequest(CONSENT, variable_values={"input": {"customerNo": customer_no, "marketing": True}})
    async with over_socket as session:
        heard = session.subscribe(GraphQLRequest(CHANGED, variable_values={"no": customer_no}))
        first = asyncio.ensure_future(asyncio.wait_for(anext(heard), PATIENCE))
        while not first.done():
            payload = (await session.execute(consent))["setConsent"]
            await asyncio.sleep(0.05)
        await heard.aclose()

    assert payload["errors"] == []
    assert first.result() == {"offersChanged": {"customerNo": customer_no}}
