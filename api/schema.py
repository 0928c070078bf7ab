"""The schema, put together in one place: roots, extensions, limits."""

from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Final

import strawberry
from graphql import ASTValidationRule, DocumentNode, GraphQLError, GraphQLSchema, OperationDefinitionNode
from strawberry.extensions import DisableIntrospection, MaxTokensLimiter, ParserCache, SchemaExtension
from strawberry.schema.schema import validate_document
from strawberry.types import ExecutionContext

from api.deputy_mutations import DeputyMutations
from api.errors import CodedErrors
from api.limits import Limits
from api.mutations import Mutation
from api.observing import ObservedSchema, note_document
from api.queries import Query
from api.subscriptions import Subscription
from api.texts import NoNulls
from api.types.customers import Customer
from api.types.offers import Offer
from api.types.products import Product, Programme

TOKENS: Final = 2_000
CACHED_DOCUMENTS: Final = 500


@strawberry.type(name="Mutation", description="All that can be written.")
class Mutations(Mutation, DeputyMutations):
    """The root of mutations, of all modules."""


class Parsed(ParserCache):
    """Leaves what cannot be parsed to strawberry, whose errors ``CodedErrors`` sees, as it sees none from here."""

    def on_parse(self) -> Iterator[None]:
        """Take the document from the cache."""
        with suppress(GraphQLError):
            next(super().on_parse())
        yield


class Validated(SchemaExtension):
    """Refuses what is too large before it compares fields, and to guess which of several operations is meant."""

    def on_validate(self) -> Iterator[None]:
        """Take the errors from the cache, and look at the operations."""
        context = self.execution_context
        document = context.graphql_document
        if document is not None:
            context.pre_execution_errors = _errors(context.schema._schema, document, context.validation_rules)
            operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
            if len(operations) > 1 and context._provided_operation_name is None:  # operation_name is the first one's
                context.pre_execution_errors = [GraphQLError("Name the operation: the document has several.")]
            note_document(context)
        yield


@lru_cache(CACHED_DOCUMENTS)
def _errors(
    schema: GraphQLSchema, document: DocumentNode, rules: tuple[type[ASTValidationRule], ...]
) -> list[GraphQLError]:
    return validate_document(schema, document, (Limits, NoNulls)) or validate_document(schema, document, rules)


class Schema(ObservedSchema):
    """Leaves logging to ``CodedErrors``: a caller's mistakes, and his document, are nothing for the server's log."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log nothing."""


def build_schema(*, introspection: bool = True) -> strawberry.Schema:
    """Return the schema; introspection, and errors that suggest names, are for development."""
    return Schema(
        Query,
        Mutations,
        Subscription,
        types=[Customer, Offer, Product, Programme],
        extensions=[
            lambda: CodedErrors(suggestions=introspection),
            lambda: MaxTokensLimiter(max_token_count=TOKENS),
            lambda: Parsed(maxsize=CACHED_DOCUMENTS),
            Validated,
            *([] if introspection else [DisableIntrospection]),
        ],
    )


def printed() -> str:
    """Return the schema in the schema definition language."""
    return build_schema().as_str() + "\n"
