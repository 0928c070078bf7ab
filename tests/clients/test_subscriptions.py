"""npm's graphql-ws and graphql-sse, as they come, against a running server."""

import json

import pytest

RECORD = """mutation ($key: String!) { recordInteraction(input: {
    customerNo: "%s", channel: PHONE, kind: "call", idempotencyKey: $key}) { errors { code } } }"""
HEARD = "subscription { interactionRecorded { interaction { kind } customer { customerNo } } }"
CHANGED = 'subscription { offersChanged(customerNo: "%s") { customerNo } }'
REFUSED = {"graphql-ws": {"code": 4403}, "graphql-sse": {"status": 401}}

pytestmark = pytest.mark.parametrize("client", ["graphql-ws", "graphql-sse"])


@pytest.fixture
def listened(node, served):
    """Return a function: what a client was told by a subscription, and how it ended."""
    return lambda client, *arguments: json.loads(node("subscriptions.js", client, served.url, *arguments))


@pytest.fixture(scope="session")
def customer_no(served, ask):
    return ask(served.url, "{ customers(first: 1) { nodes { customerNo } } }")["customers"]["nodes"][0]["customerNo"]


def test_it_hears_of_interactions(listened, client, token, customer_no):
    heard = {"interaction": {"kind": "call"}, "customer": {"customerNo": customer_no}}

    assert listened(client, token, HEARD, RECORD % customer_no) == {
        "results": [{"data": {"interactionRecorded": heard}}],
        "ended": "complete",
    }


def test_it_hears_of_offers(listened, client, token, customer_no):
    assert listened(client, token, CHANGED % customer_no, RECORD % customer_no) == {
        "results": [{"data": {"offersChanged": {"customerNo": customer_no}}}],
        "ended": "complete",
    }


def test_it_hears_a_typed_error_when_its_token_expires(listened, client, short_token):
    told = listened(client, short_token(), HEARD)

    [result] = told["results"]
    assert [error["extensions"]["code"] for error in result["errors"]] == ["UNAUTHENTICATED"]
    assert (result["data"], told["ended"]) == (None, "complete")


def test_it_is_refused_with_a_bad_token(listened, client):
    assert listened(client, "forged", HEARD) == {"results": [], "ended": REFUSED[client]}
