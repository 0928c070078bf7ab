"""The schema, put together in one place: roots, extensions, limits."""

from collections.abc import Iterator
from typing import Final

import strawberry
from graphql import ASTValidationRule, GraphQLError, OperationDefinitionNode
from strawberry.extensions import (
    AddValidationRules,
    DisableIntrospection,
    MaxTokensLimiter,
    ParserCache,
    SchemaExtension,
    ValidationCache,
    max_aliases,
    query_depth_limiter,
)

from api.errors import CodedErrors
from api.mutations import Mutation
from api.queries import Query
from api.subscriptions import Subscription
from api.types.customers import Customer
from api.types.offers import Offer
from api.types.products import Product, Programme

DEPTH: Final = 15
ALIASES: Final = 30
TOKENS: Final = 2_000
CACHED_DOCUMENTS: Final = 500
RULES: Final[list[type[ASTValidationRule]]] = [
    max_aliases.create_validator(ALIASES),
    query_depth_limiter.create_validator(DEPTH, should_ignore=None, callback=None),
]
"""Made once: the cache of validated documents is by rule."""


class OneOperation(SchemaExtension):
    """Refuses to guess which of several operations is meant."""

    def on_validate(self) -> Iterator[None]:
        """Check after validation."""
        yield
        context = self.execution_context
        document = context.graphql_document
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)] if document else []
        if len(operations) > 1 and not context.operation_name:
            context.pre_execution_errors = [GraphQLError("Name the operation: the document has several.")]


def build_schema(*, introspection: bool = True) -> strawberry.Schema:
    """Return the schema; introspection is for development."""
    return strawberry.Schema(
        Query,
        Mutation,
        Subscription,
        types=[Customer, Offer, Product, Programme],
        extensions=[
            CodedErrors,
            OneOperation,
            lambda: MaxTokensLimiter(max_token_count=TOKENS),
            lambda: AddValidationRules(RULES),
            lambda: ParserCache(maxsize=CACHED_DOCUMENTS),
            lambda: ValidationCache(maxsize=CACHED_DOCUMENTS),
            *([] if introspection else [DisableIntrospection]),
        ],
    )


def printed() -> str:
    """Return the schema in the schema definition language."""
    return build_schema().as_str() + "\n"
