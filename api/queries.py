"""The queries."""

import asyncio
from typing import Annotated

import strawberry

from api import access, nodes
from api.audit_queries import AuditQueries
from api.costs import DECISION, PAGED, SEARCH, assumed, sliced
from api.errors import ApiError, Code
from api.nodes import Key
from api.plugin_queries import PluginQueries
from api.plugin_settings_queries import PluginSettingsQueries
from api.requests import Asked
from api.roles import KEYS, Role, Viewer
from api.session import Session
from api.subject_queries import SubjectQueries
from api.types import ordering
from api.types.customer_filter import CustomerFilter, searched
from api.types.customers import Customer
from api.types.deputies import Deputy
from api.types.insights import Segment
from api.types.models import Model
from api.types.offers import Decision
from api.types.ordering import CustomerOrder
from api.types.product_filter import ProductFilter, ProductOrder, ProductSorting
from api.types.products import Product, Programme
from api.types.prospects import Prospects, prospects
from api.types.relay import (
    LONGEST_PAGE,
    After,
    Before,
    Connection,
    First,
    Last,
    Node,
    Paging,
    connection,
    page_of,
    within,
)
from api.types.trends import Trend, trending
from api.webhooks.queries import WebhookQueries
from graph import browsing, deputies
from graph.browsing import Window
from graph.filters import EVERYBODY, Every
from graph.ordering import place
from graph.words import Channel, CustomerKind, ProgrammeKind, ValueTier
from plugins.infos import RecommenderInfo as Info
from recommenders import trends
from recommenders.contract import Context
from recommenders.segments import MOST_SEGMENTS

MOST_TRENDS = 20


@strawberry.type(name="Viewer", description="Who asks.")
class ViewerType:
    """The viewer."""

    session: strawberry.Private[Session]
    viewer: strawberry.Private[Viewer]
    role: Role = strawberry.field(description="What the viewer is to the bank.")
    subject: str = strawberry.field(description="The token's subject.")

    @strawberry.field(description="The manager number or partner code that the token is about.")
    def key(self) -> str | None:
        """The key of roles that have one."""
        return self.viewer.key if self.viewer.role in KEYS else None

    @strawberry.field(
        description="The grants by which a manager sees others' books today; empty for other roles.",
        directives=[assumed(50)],
    )
    async def deputy_of(self) -> list[Deputy]:
        """The viewer's own grants."""
        if not access.is_bound_to_books(self.viewer):
            return []
        found = await deputies.running(self.session.services.store, self.session.today, self.viewer.key)
        return [Deputy.of(deputy) for deputy in found]

    @strawberry.field(description="The customer himself, for a CUSTOMER token.")
    async def customer(self) -> Customer | None:
        """The customer of the token."""
        if self.viewer.role is not Role.CUSTOMER:
            return None
        found = await self.session.customer(self.viewer.key)
        return Customer.of(self.session, found) if found else None


@strawberry.type(description="A recommender: where it is from, and how it fares in this process.")
class RecommenderInfo:
    """A recommender's state."""

    name: str = strawberry.field(description="Its name.")
    version: str = strawberry.field(description="Its version.")
    plugin: str = strawberry.field(description="The plugin that brings it.")
    state: str = strawberry.field(description="ready, failing, off, busy or untrained.")
    calls: int = strawberry.field(description="How often it was asked.")
    failures: int = strawberry.field(description="How often it failed.")
    mean_ms: float = strawberry.field(description="Mean time of a call, in milliseconds.")
    last_error: str | None = strawberry.field(
        description="What went wrong last: the error's type and place, and what guanxi itself says."
    )
    outdated: bool = strawberry.field(
        description="Whether what it answers by was learnt by another text of its plugin, of the same version, as "
        "its file has changed: until `guanxi train`."
    )

    @classmethod
    def of(cls, info: Info) -> "RecommenderInfo":
        """Make the type of a state."""
        return cls(
            name=info.name,
            version=info.version,
            plugin=info.plugin,
            state=info.state,
            calls=info.calls,
            failures=info.failures,
            mean_ms=info.mean_ms,
            last_error=info.last_place,
            outdated=info.is_outdated,
        )


@strawberry.type(description="All that can be read.")
class Query(WebhookQueries, SubjectQueries, AuditQueries, PluginQueries, PluginSettingsQueries):
    """The root of queries."""

    @strawberry.field(description="Who asks, and for a CUSTOMER token the customer himself.")
    def viewer(self, info: Asked) -> ViewerType:
        """The bearer of the token."""
        session = info.context.session
        viewer = session.viewer
        return ViewerType(session=session, viewer=viewer, role=viewer.role, subject=viewer.subject)

    @strawberry.field(
        description="Anything by its global id; null where the viewer has no such thing.", directives=[DECISION]
    )
    async def node(
        self,
        info: Asked,
        id: Annotated[strawberry.ID, strawberry.argument(description="Its global id.")],  # noqa: A002
    ) -> Node | None:
        """One node."""
        return await nodes.by_id(info.context.session, id)

    @strawberry.field(
        description="Things by their global ids, in that order; null where the viewer has no such thing.",
        directives=[SEARCH, sliced("ids")],
    )
    async def nodes(
        self,
        info: Asked,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="Their global ids; 100 at most.")],
    ) -> list[Node | None]:
        """Many nodes."""
        if len(ids) > LONGEST_PAGE:
            raise ApiError(Code.BAD_INPUT, f"Ask for {LONGEST_PAGE} nodes at most.")
        session = info.context.session
        return list(await asyncio.gather(*(nodes.by_id(session, node_id) for node_id in ids)))

    @strawberry.field(
        description="Anything by one of its keys; null where the viewer has no such thing.", directives=[DECISION]
    )
    async def lookup(
        self, info: Asked, key: Annotated[Key, strawberry.argument(description="The one key it is known by.")]
    ) -> Node | None:
        """One node, by the key that the caller has."""
        return await key.found(info.context.session)

    @strawberry.field(description="A customer by number; null where the viewer has no such customer.")
    async def customer(
        self, info: Asked, customer_no: Annotated[str, strawberry.argument(description="The customer's number.")]
    ) -> Customer | None:
        """One customer."""
        return await nodes.customer(info.context.session, customer_no)

    @strawberry.field(
        description="Customers that the viewer may see: all, a manager's book, or the customer himself.",
        directives=[PAGED],
    )
    async def customers(
        self,
        info: Asked,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[CustomerFilter | None, strawberry.argument(description="Which ones.")] = None,  # noqa: A002
        search: Annotated[
            str | None,
            strawberry.argument(
                description="Only those whose number or name contains each of these words, in any case; 100 characters "
                "at most."
            ),
        ] = None,
        order_by: Annotated[
            list[CustomerOrder] | None,
            strawberry.argument(description="Their order, the first key first; by number where nothing else tells."),
        ] = None,
    ) -> Connection[Customer]:
        """A page of customers."""
        session, paging = info.context.session, Paging.of(first, after, last, before)
        asked = Every((filter.tree(session.today) if filter else EVERYBODY, searched(search)))
        wanted = access.narrowed(session.viewer, await session.books(), asked)
        keys = ordering.customer_keys(order_by or ())
        window = Window(
            keys,
            ordering.read(keys, paging.after),
            ordering.read(keys, paging.before),
            paging.count + 1,
            paging.backward,
        )
        store = session.services.store
        found = await browsing.page(store, wanted, window)
        return connection(
            found,
            paging,
            lambda record: ordering.written(keys, place(record, keys)),
            lambda record: Customer.of(session, record),
            lambda: browsing.count(store, wanted),
        )

    @strawberry.field(description="A product by its code.")
    async def product(
        self, info: Asked, product_code: Annotated[str, strawberry.argument(description="The product's code.")]
    ) -> Product | None:
        """One product."""
        return await nodes.product(info.context.session, product_code)

    @strawberry.field(description="Products of the catalogue.", directives=[PAGED])
    async def products(
        self,
        info: Asked,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[ProductFilter | None, strawberry.argument(description="Which ones.")] = None,  # noqa: A002
        order_by: Annotated[
            list[ProductOrder] | None,
            strawberry.argument(description="Their order, the first key first; by code where nothing else tells."),
        ] = None,
    ) -> Connection[Product]:
        """A page of products."""
        session, paging = info.context.session, Paging.of(first, after, last, before)
        if filter is not None:
            filter.refuse_too_large()
        sorting = ProductSorting(order_by or ())
        sorting.refuse_foreign(paging)
        found = [p for p in (await session.catalogue()).values() if filter is None or filter.lets(p, session.today)]
        return page_of(found, paging, sorting.place, lambda p: Product.of(session, p), sorting.rank)

    @strawberry.field(description="Partner programmes, by their code; for a PARTNER token its own.", directives=[PAGED])
    async def programmes(
        self,
        info: Asked,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        kind: Annotated[ProgrammeKind | None, strawberry.argument(description="Of this kind.")] = None,
    ) -> Connection[Programme]:
        """A page of programmes."""
        session, paging = info.context.session, Paging.of(first, after, last, before)
        found = [p for p in (await session.programmes()).values() if kind in (None, ProgrammeKind.of(p.kind))]
        return page_of(found, paging, lambda p: (p.programme_code,), lambda p: Programme.of(session, p))

    @strawberry.field(
        description="The grants that hold today, by deputy; for administrators.", directives=[assumed(50)]
    )
    async def deputies(self, info: Asked) -> list[Deputy]:
        """All managers' grants."""
        session = info.context.session
        access.require(session.viewer, access.SERVES_DEPUTIES, "deputies")
        return [Deputy.of(deputy) for deputy in await deputies.running(session.services.store, session.today)]

    @strawberry.field(description="Recommenders and how they fare; for the bank's staff.", directives=[assumed(50)])
    async def recommenders(self, info: Asked) -> list[RecommenderInfo]:
        """Recommenders of this process."""
        session = info.context.session
        access.require(session.viewer, access.SEES_RECOMMENDERS, "recommenders")
        await session.services.engine.engine()
        return [RecommenderInfo.of(state) for state in session.services.engine.host.recommending.infos()]

    @strawberry.field(description="The model in service; null while there is none; for the bank's staff.")
    async def model(self, info: Asked) -> Model | None:
        """The model of this process."""
        session = info.context.session
        access.require(session.viewer, access.SEES_MODELS, "models")
        live = session.services.engine
        await live.engine()
        return Model.of(live.model, await live.lives()) if live.model else None

    @strawberry.field(
        description="Products on sale that customers open now, by region, kind and value tier, as counted when the "
        "model was trained; only what 20 customers or more opened. For the bank's staff.",
        directives=[sliced("first")],
    )
    async def trending(
        self,
        info: Asked,
        region: Annotated[str | None, strawberry.argument(description="In this region.")] = None,
        kind: Annotated[CustomerKind | None, strawberry.argument(description="Among this kind of customer.")] = None,
        tier: Annotated[ValueTier | None, strawberry.argument(description="Among customers of this value.")] = None,
        first: Annotated[int, strawberry.argument(description="How many; 20 at most.")] = 5,
    ) -> list[Trend]:
        """Trends."""
        within(first, MOST_TRENDS, "products")
        session, engine = info.context.session, info.context.session.services.engine
        found = trends.trending(engine.aggregate("trends"), engine.product_codes, region, kind, tier)
        return await trending(session, found, first)

    @strawberry.field(
        description="Who is likely to take a product, and what a campaign may bring; for the bank's staff: customers "
        "are for who serves them, numbers for marketing too."
    )
    async def prospects(
        self,
        info: Asked,
        product_code: Annotated[str, strawberry.argument(description="The product's code.")],
        manager_no: Annotated[
            str | None,
            strawberry.argument(
                description="In this manager's book: for himself, his deputies and administrators. Without it, a "
                "manager's own, and the whole bank for others."
            ),
        ] = None,
    ) -> Prospects:
        """Prospects."""
        return await prospects(info.context.session, product_code, manager_no)

    @strawberry.field(
        description="Groups of the bank's customers who are alike, each of 20 and more, by code; for the bank's staff. "
        "Empty where there are no stable ones.",
        directives=[assumed(MOST_SEGMENTS)],
    )
    async def segments(self, info: Asked) -> list[Segment]:
        """Segments of the model in service."""
        session = info.context.session
        access.require(session.viewer, access.SEES_SEGMENTS, "segments")
        await session.services.engine.engine()
        model = session.services.engine.model
        found = model.segments.described if model and model.segments else ()
        return [Segment.of(segment) for segment in sorted(found, key=lambda segment: int(segment.code[1:]))]

    @strawberry.field(
        description="Why a product is, or is not, offered to a customer; for those who serve him.",
        directives=[DECISION],
    )
    async def decision(
        self,
        info: Asked,
        customer_no: Annotated[str, strawberry.argument(description="The customer's number.")],
        product_code: Annotated[str, strawberry.argument(description="The product's code.")],
        channel: Annotated[Channel, strawberry.argument(description="The channel of the offer.")] = Channel.MOBILE,
    ) -> Decision:
        """One decision."""
        session = info.context.session
        access.require(session.viewer, access.SERVES_CUSTOMERS, "how decisions come about")
        context = Context(session.today, channel, nodes.EVERY_OFFER)
        return Decision.of(session, await session.decide(customer_no, product_code, context))
