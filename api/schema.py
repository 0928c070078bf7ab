"""The schema, put together in one place: roots, extensions, limits."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any, Final

import strawberry
from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
)
from strawberry.extensions import DisableIntrospection, MaxTokensLimiter, ParserCache, SchemaExtension
from strawberry.schema.schema import validate_document
from strawberry.types import ExecutionContext
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from api.acts import note_operation
from api.auditing import AuditedSchema, audited
from api.deputy_mutations import DeputyMutations
from api.document_size import size_rule
from api.erasure_mutations import ErasureMutations
from api.errors import CodedErrors
from api.federation import CONFIG, FederatedQuery
from api.identity import Same
from api.limits import DEFAULT_LIMITS, Limits
from api.mutations import Mutation
from api.observing import ObservedSchema, note_document
from api.plugin_mutations import PluginMutations
from api.plugin_schema import NOTHING, Additions, additions, fitting
from api.plugin_settings_mutations import PluginSettingsMutations
from api.pricing import PLANS, Priced, plan_of
from api.queries import Query
from api.subscriptions import Subscription
from api.texts import NoNulls
from api.types.customers import Customer
from api.types.offers import Offer
from api.types.products import Product, Programme
from api.webhooks.mutations import WebhookMutations
from plugins.contract import On
from plugins.host import PluginHost

CACHED_DOCUMENTS: Final = 500
OPEN: Final[Mapping[On, Any]] = {"Customer": Customer, "Product": Product, "Programme": Programme}
"""The types that plugins add to."""
OWN_FIELDS: Final = {
    on: frozenset(map(CONFIG.name_converter.get_graphql_name, kind.__strawberry_definition__.fields))
    for on, kind in OPEN.items()
}


@audited
@strawberry.type(name="Mutation", description="All that can be written.")
class Mutations(
    Mutation, DeputyMutations, WebhookMutations, ErasureMutations, PluginMutations, PluginSettingsMutations
):
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

    def __init__(self, first: tuple[type[ASTValidationRule], ...]) -> None:
        self._first = first

    def on_validate(self) -> Iterator[None]:
        """Take the errors from the cache, and look at the operations."""
        context = self.execution_context
        document = context.graphql_document
        if document is not None:
            schema: Any = context.schema
            context.pre_execution_errors = schema.errors_of(Same(document), self._first, context.validation_rules)
            operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
            if len(operations) > 1 and context._provided_operation_name is None:  # operation_name is the first one's
                context.pre_execution_errors = [GraphQLError("Name the operation: the document has several.")]
            note_document(context)
            note_operation(context)
        yield


def _errors(
    schema: GraphQLSchema,
    document: Same[DocumentNode],
    first: tuple[type[ASTValidationRule], ...],
    rules: tuple[type[ASTValidationRule], ...],
) -> list[GraphQLError]:
    return validate_document(schema, document.thing, first) or validate_document(schema, document.thing, rules)


class Schema(ObservedSchema, AuditedSchema):
    """Has what plugins add to its types, and all that is remembered of documents, which goes with it.

    Leaves logging to ``CodedErrors``: a caller's mistakes, and his document, are nothing for the server's log.
    """

    def __init__(self, added: Additions, query: type, mutation: type, subscription: type, **options: Any) -> None:
        self.additions = added
        super().__init__(
            query, mutation, subscription, types=[Customer, Offer, Product, Programme, *added.types], **options
        )
        self.errors_of = lru_cache(CACHED_DOCUMENTS)(partial(_errors, self._schema))
        self.plan_of = lru_cache(PLANS)(partial(plan_of, self._schema))

    def get_fields(self, type_definition: StrawberryObjectDefinition) -> list[StrawberryField]:
        """Return the fields of a type, with those of plugins."""
        return [*type_definition.fields, *self.additions.fields(type_definition.name)]

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log nothing."""


def is_subscription(query: str, name: str | None, tokens: int) -> bool:
    """Whether an operation listens; one that cannot be parsed does not."""
    try:
        document = Parsed(CACHED_DOCUMENTS).cached_parse_document(query, max_tokens=tokens)
    except GraphQLError:
        return False
    operation = get_operation_ast(document, name)
    return operation is not None and operation.operation is OperationType.SUBSCRIPTION


def build_schema(
    host: PluginHost | None = None,
    *,
    introspection: bool = True,
    limits: Limits = DEFAULT_LIMITS,
    federation: bool = False,
    before: Schema | None = None,
) -> Schema:
    """Return the schema with the fields of a host's plugins, by default of those that are shipped.

    Introspection, and errors that suggest names, are for development. With ``federation`` it is a subgraph's: it has
    ``_entities`` and ``_service`` besides. A plugin whose fields do not fit adds what it did in the schema ``before``,
    or nothing, and is noted as failing. Where all plugins register what they did, that schema is returned.
    """

    def built(added: Additions) -> Schema:
        return _schema(added, introspection=introspection, limits=limits, federation=federation)

    had = before.additions if before else NOTHING
    added = additions(host or PluginHost.of_shipped(), OWN_FIELDS, had)
    return before if before and added is had else fitting(added, built, had)


def _schema(added: Additions, *, introspection: bool, limits: Limits, federation: bool) -> Schema:
    first = (size_rule(limits), NoNulls)
    return Schema(
        added,
        FederatedQuery if federation else Query,
        Mutations,
        Subscription,
        config=CONFIG,
        extensions=[
            lambda: CodedErrors(suggestions=introspection),
            lambda: MaxTokensLimiter(max_token_count=limits.tokens),
            lambda: Parsed(maxsize=CACHED_DOCUMENTS),
            lambda: Validated(first),
            lambda: Priced(limits.cost),
            *([] if introspection else [DisableIntrospection]),
        ],
    )


def printed(host: PluginHost | None = None) -> str:
    """Return the schema in the schema definition language, by default with the fields of shipped plugins."""
    return build_schema(host).as_str() + "\n"
