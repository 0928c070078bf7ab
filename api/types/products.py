"""Products, programmes and partners."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from api import access
from api.costs import COUNT, SEARCH, assumed, sliced
from api.global_ids import global_id
from api.session import Session
from api.types.insights import DemandMonth, demand_of
from api.types.programme_reports import ProgrammeReport
from api.types.relay import Node, within
from graph import records
from graph.words import CustomerKind, Language, ProgrammeKind, RiskRating
from plugins.partner_report import PartnerReport, partner_report
from recommenders import similar
from recommenders.similar import similar_products

MOST_SIMILAR = 20

MOST_MONTHS = 12


def plain(attributes: Mapping[str, records.Scalar]) -> JSON:
    """Return extra columns as JSON has them."""
    return JSON({name: value.isoformat() if isinstance(value, date) else value for name, value in attributes.items()})


@strawberry.type(description="Something a customer can hold.")
class Product(Node):
    """A product of the catalogue."""

    session: strawberry.Private[Session]
    record: strawberry.Private[records.Product]
    product_code: str = strawberry.field(description="The bank's code for the product.")
    category: str = strawberry.field(description="deposit, payment, card, loan, mortgage, wealth, insurance, …")
    audience: list[CustomerKind] = strawberry.field(description="Who may hold it; empty is everybody.")
    risk_rating: RiskRating | None = strawberry.field(description="Its investment risk.")
    credit: bool = strawberry.field(description="Whether the bank lends by it.")
    min_age: int | None = strawberry.field(description="Youngest age, in years.")
    max_age: int | None = strawberry.field(description="Oldest age, in years.")
    active_from: date | None = strawberry.field(description="First day it is sold.")
    active_until: date | None = strawberry.field(description="Last day it is sold.")
    attributes: JSON = strawberry.field(
        description="Columns of the bank's files beyond the format; empty but for the bank's staff."
    )

    @classmethod
    def of(cls, session: Session, record: records.Product) -> "Product":
        """Make the type of a record."""
        return cls(
            session=session,
            record=record,
            product_code=record.product_code,
            category=record.category,
            audience=list(record.audience),
            risk_rating=record.risk_rating,
            credit=record.credit,
            min_age=record.min_age,
            max_age=record.max_age,
            active_from=record.active_from,
            active_until=record.active_until,
            attributes=plain(record.attributes if access.sees_internals(session.viewer) else {}),
        )

    @strawberry.field(description="Global id.")
    def id(self) -> strawberry.ID:
        """Of the product code."""
        return global_id("Product", self.product_code)

    @strawberry.field(description="Its name; in English where there is none in the language asked for.")
    def name(
        self, language: Annotated[Language, strawberry.argument(description="The name's language.")] = Language.EN
    ) -> str:
        """The name in a language."""
        return (self.record.name_zh if language is Language.ZH else None) or self.record.name

    @strawberry.field(description="Yearly value to the bank of one holding; for its staff only.")
    def margin(self) -> float | None:
        """The margin, for those who may see it."""
        return self.record.margin if access.sees_internals(self.session.viewer) else None

    @strawberry.field(
        description="Products on sale that are held together with this one more often than by chance, the most similar "
        "first; only pairs that 20 customers or more hold. For all but partners.",
        directives=[sliced("first")],
    )
    async def similar(
        self, first: Annotated[int, strawberry.argument(description="How many; 20 at most.")] = 5
    ) -> list["SimilarProduct"]:
        """Similar products."""
        within(first, MOST_SIMILAR, "products")
        if not access.sees_similar_products(self.session.viewer):
            return []
        on_sale, engine = await self.session.on_sale(), self.session.services.engine
        found = similar_products(engine.aggregate("similar"), engine.product_codes, self.product_code)
        those = [similar for similar in found if similar.product_code in on_sale][:first]
        return [SimilarProduct.of(self.session, on_sale[similar.product_code], similar) for similar in those]

    @strawberry.field(
        description="How often it is expected to be opened, month by month from this one, as far as the model "
        "foresees; for the bank's staff. Empty where nothing can be said.",
        directives=[sliced("months")],
    )
    async def demand(
        self, months: Annotated[int, strawberry.argument(description="How many; 12 at most.")] = 3
    ) -> list[DemandMonth]:
        """The months foreseen, for those who may see them."""
        within(months, MOST_MONTHS, "months")
        await self.session.services.engine.engine()
        model = self.session.services.engine.model
        if model is None or model.demand is None or self.product_code not in model.product_codes:
            return []
        if not access.sees_internals(self.session.viewer):
            return []
        column = model.product_codes.index(self.product_code)
        return demand_of(model.demand, column, self.session.today, months)

    @strawberry.field(description="Products that must be held first.", directives=[assumed(10)])
    async def requires(self) -> list["Product"]:
        """Prerequisites that the bank has."""
        catalogue = await self.session.catalogue()
        return [Product.of(self.session, catalogue[code]) for code in self.record.requires if code in catalogue]

    @strawberry.field(description="The programme whose members alone may hold it.")
    async def programme(self) -> "Programme | None":
        """The product's programme, where the viewer may see it."""
        record = (await self.session.programmes()).get(self.record.programme_code or "")
        return Programme.of(self.session, record) if record else None


@strawberry.type(description="A product that is held together with another.")
class SimilarProduct:
    """A product and how much it goes with the other."""

    product: Product = strawberry.field(description="The product.")
    score: float = strawberry.field(
        description="How much they go together, 0 to 1: the shrunk cosine of their holders less what chance would give."
    )
    lift: float | None = strawberry.field(
        description="How many times as often both are held as chance would have it; for the bank's staff only."
    )

    @classmethod
    def of(cls, session: Session, record: records.Product, found: similar.SimilarProduct) -> "SimilarProduct":
        """Make the type of what was learnt."""
        lift = found.lift if access.sees_internals(session.viewer) else None
        return cls(product=Product.of(session, record), score=found.score, lift=lift)


@strawberry.type(description="An organisation that co-brands products with the bank.")
class Partner:
    """A partner."""

    partner_code: str = strawberry.field(description="The bank's code for the partner.")
    name: str = strawberry.field(description="Its name.")
    kind: str = strawberry.field(description="university, tobacco_bureau, retailer, employer, merchant, …")
    region: str | None = strawberry.field(description="Where it is.")

    @classmethod
    def of(cls, record: records.Partner) -> "Partner":
        """Make the type of a record."""
        return cls(partner_code=record.partner_code, name=record.name, kind=record.kind, region=record.region)


@strawberry.type(description="What a partner and the bank run together, such as a campus card.")
class Programme(Node):
    """A partner programme."""

    session: strawberry.Private[Session]
    record: strawberry.Private[records.Programme]
    programme_code: str = strawberry.field(description="The bank's code for the programme.")
    kind: ProgrammeKind = strawberry.field(description="Its kind.")
    kind_name: str = strawberry.field(description="Its kind as the bank's files name it, such as `campus`.")
    name: str = strawberry.field(description="Its name.")
    partner: Partner | None = strawberry.field(description="The partner who runs it.")
    starts_on: date | None = strawberry.field(description="Its first day.")
    ends_on: date | None = strawberry.field(description="Its last day.")

    @classmethod
    def of(cls, session: Session, record: records.Programme) -> "Programme":
        """Make the type of a record."""
        return cls(
            session=session,
            record=record,
            programme_code=record.programme_code,
            kind=ProgrammeKind.of(record.kind),
            kind_name=record.kind,
            name=record.name,
            partner=Partner.of(record.partner) if record.partner else None,
            starts_on=record.starts_on,
            ends_on=record.ends_on,
        )

    @strawberry.field(description="Global id.")
    def id(self) -> strawberry.ID:
        """Of the programme code."""
        return global_id("Programme", self.programme_code)

    @strawberry.field(
        description="What members gain by it; in the other language where there is none in that asked for."
    )
    def benefit(
        self, language: Annotated[Language, strawberry.argument(description="The benefit's language.")] = Language.EN
    ) -> str | None:
        """The benefit in a language."""
        en, zh = self.record.benefit, self.record.benefit_zh
        return zh or en if language is Language.ZH else en or zh

    @strawberry.field(description="The products that only its members may hold.", directives=[assumed(10)])
    async def products(self) -> list[Product]:
        """Products of the programme."""
        catalogue = await self.session.catalogue()
        return [
            Product.of(self.session, record)
            for record in catalogue.values()
            if record.programme_code == self.programme_code
        ]

    @strawberry.field(
        description="How many memberships it has, ended ones too; null for customers, and for fewer than 20. A partner "
        "reads `report.members` here: who were members at the end of last month, rounded.",
        directives=[COUNT],
    )
    async def member_count(self) -> int | None:
        """An aggregate, never of a small group."""
        if access.reads_reports_alone(self.session.viewer):
            return (await self._told()).members
        members = await self.session.members.load(self.programme_code)
        return members if access.sees_members(self.session.viewer, members) else None

    @strawberry.field(
        description="What its partner is told of it: whole months that are over, and never fewer than 20 customers; "
        "null for customers.",
        directives=[SEARCH],
    )
    async def report(self) -> ProgrammeReport | None:
        """Aggregates alone."""
        return ProgrammeReport.of(await self._told()) if access.sees_partner_report(self.session.viewer) else None

    async def _told(self) -> PartnerReport:
        services, catalogue = self.session.services, await self.session.catalogue()
        host = services.engine.host
        return await partner_report(services.store, self.record, catalogue.values(), host, self.session.today)
