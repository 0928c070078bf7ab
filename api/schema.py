"""The schema, put together in one place: roots, extensions, limits."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import strawberry
from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import (
    AddValidationRules,
    DisableIntrospection,
    MaxTokensLimiter,
    ParserCache,
    ValidationCache,
)

from api.errors import CodedErrors
from api.limits import Limits
from api.mutations import Mutation
from api.queries import Query
from api.subscriptions import Subscription
from api.types.customers import Customer
from api.types.offers import Offer
from api.types.products import Product, Programme

TOKENS: Final = 2_000
CACHED_DOCUMENTS: Final = 500


class Parsed(ParserCache):
    """Leaves what cannot be parsed to strawberry, whose errors ``CodedErrors`` sees, as it sees none from here."""

    def on_parse(self) -> Iterator[None]:
        """Take the document from the cache."""
        with suppress(GraphQLError):
            next(super().on_parse())
        yield


class Validated(ValidationCache):
    """Refuses to guess which of several operations is meant, too."""

    def on_validate(self) -> Iterator[None]:
        """Take the errors from the cache, and look at the operations."""
        context = self.execution_context
        try:
            next(super().on_validate())
        except RecursionError as error:
            context.pre_execution_errors = [GraphQLError(str(error), original_error=error)]
        document = context.graphql_document
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)] if document else []
        if len(operations) > 1 and not context.operation_name:
            context.pre_execution_errors = [GraphQLError("Name the operation: the document has several.")]
        yield


def build_schema(*, introspection: bool = True) -> strawberry.Schema:
    """Return the schema; introspection is for development."""
    return strawberry.Schema(
        Query,
        Mutation,
        Subscription,
        types=[Customer, Offer, Product, Programme],
        extensions=[
            CodedErrors,
            lambda: MaxTokensLimiter(max_token_count=TOKENS),
            lambda: AddValidationRules([Limits]),
            lambda: Parsed(maxsize=CACHED_DOCUMENTS),
            lambda: Validated(maxsize=CACHED_DOCUMENTS),
            *([] if introspection else [DisableIntrospection]),
        ],
    )


def printed() -> str:
    """Return the schema in the schema definition language."""
    return build_schema().as_str() + "\n"
