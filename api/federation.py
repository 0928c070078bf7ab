"""Makes the schema a subgraph of Apollo Federation 2: entities by their keys, seen as ``node`` shows them.

Source: https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Annotated, Final, NewType, TypeAlias

import strawberry
from strawberry.schema.config import StrawberryConfig

from api import access, nodes
from api.costs import SEARCH, sliced
from api.errors import ApiError, Code
from api.queries import Query
from api.requests import Asked
from api.session import Session
from api.types.customers import Customer
from api.types.offers import Offer
from api.types.products import Product
from api.types.relay import LONGEST_PAGE

LINK: Final = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", '
    'import: ["@cost", "@key", "@listSize", "@shareable"])\n\n'
)
MARKS: Final[Mapping[str, str]] = {
    "type Customer implements Node": '@key(fields: "id") @key(fields: "customerNo")',
    "type Offer implements Node": '@key(fields: "id")',
    "type Product implements Node": '@key(fields: "id") @key(fields: "productCode")',
    "type PageInfo": "@shareable",
}
"""The keys of entities; and what other subgraphs with connections have as well."""
COUNTED: Final = re.compile(r'slicingArguments: \["(?:ids|representations)"\]')
"""Sizes that are the length of a list; composition knows those that a number says, so there they are the longest."""
WRONG: Final = "A representation has __typename Customer, Offer or Product, and a key of it as a text."

Representation = NewType("Representation", object)
Entity: TypeAlias = Annotated[
    Customer | Offer | Product, strawberry.union("_Entity", description="What other subgraphs may refer to.")
]
ENTITIES: Final[Mapping[str, type[Customer] | type[Offer] | type[Product]]] = {
    "Customer": Customer,
    "Offer": Offer,
    "Product": Product,
}
CONFIG: Final = StrawberryConfig(
    scalar_map={
        Representation: strawberry.scalar(name="_Any", description="An entity's `__typename` and one of its keys.")
    }
)


@strawberry.type(name="_Service", description="This subgraph.")
class Service:
    """What is composed into a supergraph."""

    sdl: str = strawberry.field(description="Its schema, with its entities' keys.")


@strawberry.type(name="Query", description="All that can be read.")
class FederatedQuery(Query):
    """The root of queries of a subgraph."""

    @strawberry.field(name="_service", description="This subgraph, to compose a supergraph; for administrators.")
    def service(self, info: Asked) -> Service:
        """The subgraph's schema."""
        access.require(info.context.session.viewer, access.SEES_SUBGRAPH, "the subgraph")
        return Service(sdl=subgraph(info.schema.as_str()))

    @strawberry.field(
        name="_entities",
        description="Entities by their keys, in that order, for a router; null where the viewer has no such thing.",
        directives=[SEARCH, sliced("representations")],
    )
    async def entities(
        self,
        info: Asked,
        representations: Annotated[list[Representation], strawberry.argument(description="What is known of each.")],
    ) -> list[Entity | None]:
        """Many entities."""
        session = info.context.session
        return list(await asyncio.gather(*(_entity(session, known) for known in representations)))


def subgraph(sdl: str) -> str:
    """Return a schema as composition takes it."""
    told = COUNTED.sub(f"assumedSize: {LONGEST_PAGE}", sdl)
    for head, mark in MARKS.items():
        told = told.replace(f"{head} {{", f"{head} {mark} {{")
    return LINK + told


async def _entity(session: Session, known: object) -> Customer | Offer | Product | None:
    match known:
        case {"__typename": "Customer", "customerNo": str(customer_no)}:
            return await nodes.customer(session, customer_no)
        case {"__typename": "Product", "productCode": str(product_code)}:
            return await nodes.product(session, product_code)
        case {"__typename": str(kind), "id": str(node_id)} if kind in ENTITIES:
            found = await nodes.by_id(session, node_id)
            return found if isinstance(found, ENTITIES[kind]) else None
        case _:
            raise ApiError(Code.BAD_INPUT, WRONG)
