from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType

from api.requests import HttpContext
from api.schema import CACHED_DOCUMENTS, Parsed, build_schema, printed

COMMITTED = Path(__file__).parents[2] / "schema.graphql"
SCHEMA = build_schema(federation=True)._schema


def test_the_committed_schema_is_up_to_date():
    assert COMMITTED.read_text() == printed(), "run make schema"


def described():
    for name, kind in SCHEMA.type_map.items():
        if name.startswith("__"):
            continue
        yield name, kind.description
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field, own in kind.fields.items():
                yield f"{name}.{field}", own.description
                for argument, its in getattr(own, "args", {}).items():
                    yield f"{name}.{field}({argument})", its.description
        if isinstance(kind, GraphQLEnumType):
            for value, own in kind.values.items():
                yield f"{name}.{value}", own.description


@pytest.mark.parametrize(("name", "description"), [*described()])
def test_it_is_described(name, description):
    assert description, name


def test_no_answer_comes_in_parts():
    assert not {directive.name for directive in SCHEMA.directives} & {"defer", "stream"}


async def test_a_document_is_parsed_and_validated_once():
    schema, context = build_schema(), HttpContext(None, None)
    parsing = Parsed(CACHED_DOCUMENTS).cached_parse_document
    before = parsing.cache_info().misses
    for _ in range(3):
        assert (await schema.execute("{ once: __typename }", context_value=context)).data == {"once": "Query"}

    assert parsing.cache_info().misses - before == 1
    assert schema.errors_of.cache_info().misses == schema.plan_of.cache_info().misses == 1
