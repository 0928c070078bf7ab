"""Apollo Client, urql and Relay with their caches, as they come: pages, a mutation, a node and a typed error."""

import json

import pytest

READ = "{ customers(first: 6) { totalCount nodes { customerNo consentVersion } } }"


@pytest.fixture(scope="session")
def compiled(tool):
    """What relay-compiler says as it compiles the documents against ``schema.graphql``."""
    return tool("relay-compiler")


def test_relay_compiles_its_directives_without_complaint(compiled):
    assert "Compilation completed." in compiled
    assert "ERROR" not in compiled
    assert "WARN" not in compiled


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("program", ["apollo.js", "urql.js", "relay.js"])
def test_it_pages_writes_and_keeps_its_cache(node, served, token, ask, program):
    before = ask(served.url, READ)["customers"]

    found = json.loads(node(program, served.url, token))

    version = before["nodes"][0]["consentVersion"]
    assert found == {
        "pages": [customer["customerNo"] for customer in before["nodes"]],
        "total": before["totalCount"],
        "hasNextPage": True,
        "errors": [],
        "versions": [version, version + 1],
        "node": before["nodes"][0]["customerNo"],
        "refused": "NOT_FOUND",
        "warnings": [],
    }
    assert ask(served.url, READ)["customers"]["nodes"][0]["consentVersion"] == version + 1
