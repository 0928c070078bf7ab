"""A product's prospects: for marketing how many and what they are worth, for who serves customers also who."""

import asyncio
from datetime import date
from typing import Annotated, Self

import strawberry

from api import access
from api.acts import note_refused
from api.costs import SEARCH, assumed, sliced
from api.errors import ApiError, Code
from api.session import Session
from api.types.customers import Customer
from api.types.products import Product
from api.types.relay import within
from graph import records
from recommenders import prospect_lists
from recommenders.prospect_lists import ProspectList
from recommenders.prospects import Campaign

MOST_PROSPECTS = 100


@strawberry.type(
    description="A number with its middle 90 %: what chance makes of it, and how openings differ from period to period."
)
class Expectation:
    """An expected number and its interval."""

    expected: float = strawberry.field(description="What is expected.")
    low: float = strawberry.field(description="The lower end of the interval.")
    high: float = strawberry.field(description="The upper end of the interval.")

    @classmethod
    def of(cls, campaign: Campaign, each: float = 1.0) -> Self:
        """Make the type of a campaign's takers, each counting ``each``."""
        low, high = campaign.interval
        return cls(expected=campaign.takers * each, low=low * each, high=high * each)


@strawberry.type(name="Campaign", description="What to expect of offering a product to the most likely customers.")
class CampaignType:
    """A campaign of some size."""

    customers: int = strawberry.field(description="How many customers it is offered to, the most likely first.")
    takers: Expectation = strawberry.field(description="How many take it within the model's period.")
    value: Expectation = strawberry.field(
        description="What they are worth to the bank a year: takers times the product's margin, or the median of its "
        "category where none is known."
    )


@strawberry.type(description="Customers that a gate refuses, each counted under the first that does.")
class RefusedProspects:
    """How many a gate refuses."""

    gate: str = strawberry.field(description="The gate's code, or NOT_PROPOSED where no recommender proposes it.")
    customers: int = strawberry.field(description="How many customers.")


@strawberry.type(description="A customer who may take a product.")
class Prospect:
    """A customer and his chance."""

    customer: Customer = strawberry.field(description="The customer.")
    propensity: float = strawberry.field(description="The chance, 0 to 1, that he takes it within the model's period.")


@strawberry.type(
    description="Who is likely to take a product: of the viewer's book for a relationship manager, of the whole bank "
    "for others. Found by `guanxi prospects --store`; no request searches the bank."
)
class Prospects:
    """A product's prospects."""

    session: strawberry.Private[Session]
    record: strawberry.Private[records.Product]
    found: strawberry.Private[ProspectList]
    as_of: date = strawberry.field(description="The day they were found on.")
    model_id: str = strawberry.field(description="The model they were found with.")

    @strawberry.field(description="The product.")
    def product(self) -> Product:
        """The product."""
        return Product.of(self.session, self.record)

    @strawberry.field(description="How many customers may be offered it; null for marketing where they are under 20.")
    def eligible(self) -> int | None:
        """Whom no gate refuses."""
        count = self.found.customers - sum(self.found.refused.values())
        return count if access.sees_group(self.session.viewer, count) else None

    @strawberry.field(
        description="Why the others may not be offered it; for marketing only what concerns 20 and more.",
        directives=[assumed(30)],
    )
    def refused(self) -> list[RefusedProspects]:
        """Counts by gate, the most first."""
        counts = sorted(self.found.refused.items(), key=lambda item: (-item[1], item[0]))
        return [
            RefusedProspects(gate=gate, customers=count)
            for gate, count in counts
            if access.sees_group(self.session.viewer, count)
        ]

    @strawberry.field(
        description="What to expect of campaigns of 10, 20, 50, 100, … customers and of all; for marketing only those "
        "that 20 customers tell apart. In a manager's book, of 100 at most.",
        directives=[assumed(20)],
    )
    async def campaigns(self) -> list[CampaignType]:
        """Campaigns by size."""
        if not self.found.campaigns:
            return []
        engine = await self.session.services.engine.engine()
        value = float(engine.arbitration.values()[engine.catalogue.index[self.record.product_code]])
        told, last = list[CampaignType](), 0
        for found in self.found.campaigns:
            if access.sees_group(self.session.viewer, found.customers - last):
                last = found.customers
                takers, worth = Expectation.of(found), Expectation.of(found, value)
                told.append(CampaignType(customers=last, takers=takers, value=worth))
        return told

    @strawberry.field(
        description="The most likely customers first, gated and ranked anew for this answer; null for marketing, which "
        "sees no customers.",
        directives=[SEARCH, sliced("first")],
    )
    async def customers(
        self, first: Annotated[int, strawberry.argument(description="How many; 100 at most.")] = 20
    ) -> list[Prospect] | None:
        """Customers."""
        within(first, MOST_PROSPECTS, "customers")
        if not access.sees_prospects(self.session.viewer):
            return None
        likely = await self.session.likely(self.record.product_code, [p.customer_no for p in self.found.best], first)
        return [
            Prospect(customer=Customer.of(self.session, customer), propensity=chance) for customer, chance in likely
        ]


async def prospects(session: Session, product_code: str, manager_no: str | None) -> Prospects:
    """Return a product's prospects in a manager's book, or in the viewer's own scope.

    Raises:
        ApiError: FORBIDDEN but for staff; NOT_FOUND for an unknown product, a book that is not open to the viewer, or
            where none were ever looked for.
    """
    access.require(session.viewer, access.SEES_RECOMMENDERS, "prospects")
    record = (await session.catalogue()).get(product_code)
    if record is None:
        raise ApiError(Code.NOT_FOUND, f"There is no product {product_code!r}.")
    scope = await _scope(session, manager_no)
    found = await asyncio.to_thread(prospect_lists.read, session.services.engine.models, product_code, scope)
    if found is None:
        raise ApiError(Code.NOT_FOUND, "No prospects have been looked for yet: run guanxi prospects --store.")
    return Prospects(session=session, record=record, found=found, as_of=found.as_of, model_id=found.model_id)


async def _scope(session: Session, manager_no: str | None) -> str:
    books = await session.books()
    if manager_no is None:
        return books[0] if books else prospect_lists.BANK
    access.require(session.viewer, access.SERVES_CUSTOMERS, "the prospects of one book")
    if access.is_bound_to_books(session.viewer) and manager_no not in books:
        note_refused()
        raise ApiError(Code.NOT_FOUND, f"There is no book of {manager_no!r}.")
    return manager_no
