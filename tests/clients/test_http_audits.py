"""The audits of GraphQL over HTTP, from its specification's reference implementation: MUST, SHOULD and MAY."""

import json

AUDITS = 61
INTROSPECTION = {"2EA1", "28B9", "D6D5", "6A70"}
"""They send variables with ``__type``, and expect the answer that production mode does not give."""


def failures(printed):
    audits = [json.loads(line) for line in printed.splitlines()]
    assert len(audits) == AUDITS
    return {audit["id"]: f"{audit['name']}: {audit['reason']}" for audit in audits if audit["status"] != "ok"}


def test_every_audit_passes_that_applies(served, node, token):
    failed = failures(node("audit.js", served.url, token))

    assert failed.keys() == (INTROSPECTION if served.mode == "production" else set()), failed


def test_every_audit_passes_where_it_asks_for_a_customer_instead_of_introspection(served, node, token):
    assert failures(node("audit.js", served.url, token, "customer(customerNo")) == {}
