"""A bank's supergraph: Apollo's composition takes this subgraph with another that adds to its entities."""

import json
from pathlib import Path

import pytest
from graphql import build_schema

OTHER = Path(__file__).with_name("loyalty.graphql")


@pytest.fixture(scope="module")
def sdl(subgraph, ask):
    return ask(subgraph, "{ _service { sdl } }")["_service"]["sdl"]


@pytest.fixture
def composed(node, tmp_path):
    """Return a function: what is composed of a subgraph and the other."""

    def compose(sdl):
        (tmp_path / "guanxi.graphql").write_text(sdl)
        return json.loads(node("compose.js", f"guanxi={tmp_path / 'guanxi.graphql'}", f"loyalty={OTHER}"))

    return compose


def test_it_composes_and_both_tell_of_its_entities(composed, sdl):
    found = composed(sdl)

    assert found["errors"] == []
    supergraph = build_schema(found["supergraphSdl"], assume_valid=True)
    for name, own, others in (
        ("Customer", "churn", "points"),
        ("Product", "margin", "pointsPerYear"),
        ("Offer", "reasons", "extraPoints"),
    ):
        assert {own, others} <= supergraph.type_map[name].fields.keys()
    assert {"customers", "bestCustomers"} <= supergraph.query_type.fields.keys()
    assert "_entities" not in supergraph.query_type.fields


def test_a_router_is_told_what_it_costs(composed, sdl):
    supergraph = build_schema(composed(sdl)["supergraphSdl"], assume_valid=True)
    directives = {
        directive.name.value: {argument.name.value: argument.value for argument in directive.arguments}
        for directive in supergraph.query_type.fields["nodes"].ast_node.directives
    }

    assert directives["cost"]["weight"].value == "50"
    assert directives["listSize"]["assumedSize"].value == "100"


@pytest.mark.parametrize(
    ("mark", "wrong"),
    [
        ('@key(fields: "customerNo")', "Customer.customerNo"),
        ('@key(fields: "productCode")', "Product.productCode"),
        ("@shareable", "PageInfo.endCursor"),
    ],
)
def test_without_a_key_or_what_is_shared_it_does_not_compose(composed, sdl, mark, wrong):
    errors = composed(sdl.replace(f" {mark}", ""))["errors"]

    assert any(wrong in error for error in errors), errors
