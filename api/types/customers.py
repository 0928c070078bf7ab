"""A customer and all that hangs on him."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, TypeAlias, TypeVar

import strawberry
from strawberry.scalars import JSON

from api import access
from api.acts import note_given
from api.costs import DECISION, INSIGHT, PAGED, SEARCH, assumed, sliced
from api.errors import ApiError, Code
from api.global_ids import global_id
from api.places import hidden_place, unnamed_place
from api.session import Session
from api.types.consents import ConsentState, ConsentStatement, page_of_history, states
from api.types.holdings import Account, ActivityMonth, Card, Holding, Interaction, Membership
from api.types.insights import Churn, CustomerValue, LifeEvent, Segment
from api.types.offers import Bundle, Offer
from api.types.products import MOST_SIMILAR, Product, plain
from api.types.relay import After, Before, Connection, First, Last, Node, Paging, Place, page_of, within
from graph import records
from graph.words import (
    Channel,
    CreditTier,
    CustomerKind,
    Gender,
    Language,
    LifecycleStage,
    RelationKind,
    RiskProfile,
    ValueTier,
)
from recommenders.consent import history
from recommenders.contract import Context
from recommenders.view import CustomerView

Record = TypeVar("Record")
Kind = TypeVar("Kind")
MOST_OFFERS = 20
MOST_MONTHS = 120
MOST_DAYS = 366

Where: TypeAlias = Annotated[Channel, strawberry.argument(description="The channel they are for.")]


@strawberry.type(description="A person, company or institution, known by one number on all channels.")
class Customer(Node):
    """A customer."""

    session: strawberry.Private[Session]
    record: strawberry.Private[records.Customer]
    customer_no: str = strawberry.field(description="The one number of the customer on all channels.")
    kind: CustomerKind = strawberry.field(description="What the customer is in law.")
    name: str | None = strawberry.field(description="The customer's name.")
    birth_date: date | None = strawberry.field(description="A person's birth date.")
    gender: Gender | None = strawberry.field(description="A person's gender.")
    region: str | None = strawberry.field(description="Where the customer lives or sits.")
    joined_on: date | None = strawberry.field(description="First day as a customer.")
    manager_no: str | None = strawberry.field(description="The customer's relationship manager.")
    language: Language | None = strawberry.field(description="The customer's language.")
    marketing_consent: bool | None = strawberry.field(
        description="Whether offers may be made on one channel at least; null counts as no. `consents` tells more."
    )
    consent_version: int = strawberry.field(
        description="How often he said something of his consent; for `expectedVersion` of `setConsent`."
    )
    credit_tier: CreditTier | None = strawberry.field(description="Credit standing.")
    risk_profile: RiskProfile | None = strawberry.field(description="Investment risk the customer may bear.")
    attributes: JSON = strawberry.field(description="Columns of the bank's files beyond the format.")

    @classmethod
    def of(cls, session: Session, record: records.Customer) -> "Customer":
        """Make the type of a record, whole or a profile: whoever is given it has read of the customer."""
        note_given(record.customer_no)
        return cls(
            session=session,
            record=record,
            customer_no=record.customer_no,
            kind=record.kind,
            name=record.name,
            birth_date=record.birth_date,
            gender=record.gender,
            region=record.region,
            joined_on=record.joined_on,
            manager_no=record.manager_no,
            language=record.language,
            marketing_consent=record.marketing_consent,
            consent_version=record.consent_version,
            credit_tier=record.credit_tier,
            risk_profile=record.risk_profile,
            attributes=plain(record.attributes),
        )

    @strawberry.field(description="Global id.")
    def id(self) -> strawberry.ID:
        """Of the customer number."""
        return global_id("Customer", self.customer_no)

    @strawberry.field(description="Where the customer stands in the relationship, by documented rules.")
    async def lifecycle_stage(self) -> LifecycleStage:
        """The stage today."""
        return (await self._view()).stage

    @strawberry.field(description="What the customer is worth to the bank, as its files say, or else by rule.")
    async def value_tier(self) -> ValueTier:
        """The tier today."""
        return (await self._view()).tier

    @strawberry.field(
        description="The chance that he leaves; for those who serve him, never for himself. Null where he holds "
        "nothing, and where nothing could be learnt: the model's card says why.",
        directives=[INSIGHT],
    )
    async def churn(self) -> Churn | None:
        """The chance of being lost."""
        found = await self.session.insight(self.customer_no)
        return Churn.of(found.scores.churn) if found and found.scores.churn else None

    @strawberry.field(
        description="What he is worth to the bank; for those who serve him, never for himself. Null where no product "
        "has a margin.",
        directives=[INSIGHT],
    )
    async def value(self) -> CustomerValue | None:
        """The worth."""
        found = await self.session.insight(self.customer_no)
        return CustomerValue.of(found.scores.value) if found and found.scores.value else None

    @strawberry.field(
        description="The customers he is like; for those who serve him, never for himself. Null where he has left, and "
        "where the bank's customers fall into no stable groups.",
        directives=[INSIGHT],
    )
    async def segment(self) -> Segment | None:
        """The segment."""
        found = await self.session.insight(self.customer_no)
        return Segment.of(found.segment) if found and found.segment else None

    @strawberry.field(
        description="What has happened in his life of late, and what is soon to; for those who serve him, never for "
        "himself. The first first.",
        directives=[INSIGHT, assumed(5)],
    )
    async def life_events(
        self,
        days: Annotated[int, strawberry.argument(description="How many before and after today; 366 at most.")] = 90,
    ) -> list[LifeEvent] | None:
        """The events."""
        within(days, MOST_DAYS, "days")
        if not access.sees_insights(self.session.viewer):
            return None
        found = await self.session.services.engine.life_events(await self._whole(), self.session.today, days)
        return [LifeEvent.of(happening) for happening in found]

    @strawberry.field(description="Accounts, the first opened first.", directives=[PAGED])
    async def accounts(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Account]:
        """A page of accounts."""
        paging = Paging.of(first, after, last, before)
        found = await self.session.accounts.load(self.customer_no)
        return page_of(
            found,
            paging,
            lambda account: hidden_place(self.session, account.opened_on, account.account_no),
            self._made(Account.of),
        )

    @strawberry.field(description="Cards, the first issued first.", directives=[PAGED])
    async def cards(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Card]:
        """A page of cards."""
        paging = Paging.of(first, after, last, before)
        found = await self.session.cards.load(self.customer_no)
        return page_of(
            found, paging, lambda card: hidden_place(self.session, card.issued_on, card.card_no), self._made(Card.of)
        )

    @strawberry.field(description="Products held now or before, by product and day.", directives=[PAGED])
    async def holdings(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Holding]:
        """A page of holdings."""
        paging = Paging.of(first, after, last, before)
        return page_of(await self.session.holdings(self.record), paging, _holding_place, self._made(Holding.of))

    @strawberry.field(description="Memberships of partner programmes, by programme.", directives=[PAGED])
    async def memberships(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Membership]:
        """A page of memberships."""
        paging = Paging.of(first, after, last, before)
        found = (await self._whole()).memberships
        return page_of(found, paging, lambda m: (m.programme_code, m.role), self._made(Membership.of))

    @strawberry.field(description="Relations to other customers, the oldest first.", directives=[PAGED])
    async def relations(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection["Relation"]:
        """A page of relations."""
        paging = Paging.of(first, after, last, before)
        found = (await self._whole()).relations
        return page_of(
            found,
            paging,
            lambda relation: unnamed_place(self.session, relation.since, relation.kind, relation.customer_no),
            self._made(Relation.of),
        )

    @strawberry.field(description="Interactions with the bank, the oldest first.", directives=[PAGED])
    async def interactions(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Interaction]:
        """A page of interactions."""
        paging = Paging.of(first, after, last, before)
        found = (await self._whole()).interactions
        return page_of(found, paging, lambda i: (i.at.isoformat(), i.interaction_id), self._made(Interaction.of))

    @strawberry.field(
        description="What holds of the customer's consent, by purpose and channel.", directives=[assumed(18)]
    )
    async def consents(self) -> list[ConsentState]:
        """Every purpose on every channel."""
        return states(await self._view())

    @strawberry.field(description="All that the customer said of his consent, the latest first.", directives=[PAGED])
    async def consent_history(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ConsentStatement]:
        """A page of what he said."""
        paging = Paging.of(first, after, last, before)
        return page_of_history(self.session.viewer, history(await self._whole()), paging)

    @strawberry.field(
        description="Activity of the last months that are known, the oldest first.", directives=[sliced("months")]
    )
    async def activity(
        self, months: Annotated[int, strawberry.argument(description="How many; 120 at most.")] = 12
    ) -> list[ActivityMonth]:
        """Months of activity."""
        within(months, MOST_MONTHS, "months")
        found = (await self._whole()).activity
        return [ActivityMonth.of(month) for month in found[-months:]] if months else []

    @strawberry.field(
        description="What to offer now, the best first. Reading offers records nothing.",
        directives=[DECISION, sliced("first")],
    )
    async def offers(
        self,
        first: Annotated[int, strawberry.argument(description="How many; 20 at most.")] = 3,
        channel: Where = Channel.MOBILE,
        exclude: Annotated[
            list[str] | None, strawberry.argument(description="Product codes that are not to be offered.")
        ] = None,
        budget_ms: Annotated[
            int | None,
            strawberry.argument(
                description="Milliseconds a recommender has; one that takes longer is left out, and named in the "
                "answer's `extensions.omittedRecommenders`."
            ),
        ] = None,
    ) -> list[Offer]:
        """Offers."""
        within(first, MOST_OFFERS, "offers")
        if budget_ms is not None and budget_ms < 1:
            raise ApiError(Code.BAD_INPUT, f"budgetMs is 1 or more, not {budget_ms}.")
        context = Context(self.session.today, channel, first, tuple(sorted(exclude or ())), budget_ms)
        answer = await self.session.answer(self.customer_no, context)
        return [Offer.of(self.session, offer, context, self.record.language) for offer in answer.offers]

    @strawberry.field(
        description="Offers that belong together, the best first.", directives=[DECISION, sliced("first")]
    )
    async def bundles(
        self,
        first: Annotated[int, strawberry.argument(description="How many; 20 at most.")] = 3,
        channel: Where = Channel.MOBILE,
    ) -> list[Bundle]:
        """Bundles."""
        within(first, MOST_OFFERS, "bundles")
        context = Context(self.session.today, channel, first)
        answer = await self.session.answer(self.customer_no, context)
        return [Bundle.of(self.session, bundle, context, self.record.language) for bundle in answer.bundles]

    @strawberry.field(
        description="Customers like this one, the most alike first, of those the viewer may see: for who serves them, "
        "and null for the customer himself. Compared are a manager's book, or else those who share a rarely held "
        "product, a programme or a relation with him.",
        directives=[SEARCH, sliced("first")],
    )
    async def similar(
        self, first: Annotated[int, strawberry.argument(description="How many; 20 at most.")] = 5
    ) -> list["SimilarCustomer"] | None:
        """Similar customers."""
        within(first, MOST_SIMILAR, "customers")
        if not access.sees_similar_customers(self.session.viewer):
            return None
        found = (await self.session.similar(self.customer_no))[:first]
        catalogue = await self.session.catalogue()
        return [
            SimilarCustomer(
                customer=Customer.of(self.session, like.customer),
                likeness=like.likeness,
                shared_products=[
                    Product.of(self.session, catalogue[code]) for code in like.shared if code in catalogue
                ],
            )
            for like in found
        ]

    async def _whole(self) -> records.Customer:
        return await self.session.whole.load(self.customer_no) or self.record

    async def _view(self) -> CustomerView:
        return CustomerView(await self._whole(), self.session.today)

    def _made(self, make: Callable[[Session, Record], Kind]) -> Callable[[Record], Kind]:
        return lambda record: make(self.session, record)


@strawberry.type(description="A customer who is like another.")
class SimilarCustomer:
    """A customer and how alike he is."""

    customer: Customer = strawberry.field(description="The customer.")
    likeness: float = strawberry.field(
        description="How alike, 0 to 1: half by profile (Gower's coefficient), half by what both hold of what "
        "either holds."
    )
    shared_products: list[Product] = strawberry.field(description="The products both hold.", directives=[assumed(20)])


@strawberry.type(description="Another customer, and what he is to this one.")
class Relation:
    """A relation of a customer."""

    session: strawberry.Private[Session]
    record: strawberry.Private[records.Relation]
    kind: RelationKind = strawberry.field(description="What the other customer is to this one.")
    since: date | None = strawberry.field(description="First day.")

    @classmethod
    def of(cls, session: Session, record: records.Relation) -> "Relation":
        """Make the type of a record."""
        return cls(session=session, record=record, kind=record.kind, since=record.since)

    @strawberry.field(description="The other customer; null where the viewer may not see him.")
    async def customer(self) -> Customer | None:
        """The other customer."""
        found = await self.session.relative(self.record.customer_no)
        return Customer.of(self.session, found) if found else None


def _holding_place(holding: records.Holding) -> Place:
    return (holding.product_code, str(holding.opened_on or ""))
