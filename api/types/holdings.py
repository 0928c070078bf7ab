"""What a customer has and does: accounts, cards, holdings, memberships, interactions, activity."""

from collections.abc import Mapping
from datetime import date, datetime

import strawberry
from strawberry.scalars import JSON
from strawberry.utils.await_maybe import AwaitableOrValue

from api import access
from api.session import Session
from api.types.products import Product, Programme, plain
from graph import records
from graph.words import Channel, MemberRole


def _product(session: Session, code: str | None) -> AwaitableOrValue[Product | None]:
    """The product, at once where the catalogue is at hand: a page has hundreds, and waiting for each is dear."""
    catalogue = session.catalogue_at_hand()
    return _read_product(session, code) if catalogue is None else _product_of(session, catalogue, code)


async def _read_product(session: Session, code: str | None) -> Product | None:
    return _product_of(session, await session.catalogue(), code)


def _product_of(session: Session, catalogue: Mapping[str, records.Product], code: str | None) -> Product | None:
    record = catalogue.get(code or "")
    return Product.of(session, record) if record else None


async def _programme(session: Session, code: str | None) -> Programme | None:
    record = (await session.programmes()).get(code or "")
    return Programme.of(session, record) if record else None


@strawberry.type(description="An account.")
class Account:
    """An account of a customer."""

    session: strawberry.Private[Session]
    record: strawberry.Private[records.Account]
    account_no: str = strawberry.field(description="The account's number; to managers its last places.")
    currency: str | None = strawberry.field(description="ISO 4217 code.")
    balance: float | None = strawberry.field(description="Balance in that currency.")
    opened_on: date | None = strawberry.field(description="First day.")
    closed_on: date | None = strawberry.field(description="Last day; null while it is open.")
    attributes: JSON = strawberry.field(description="Columns of the bank's files beyond the format.")

    @classmethod
    def of(cls, session: Session, record: records.Account) -> "Account":
        """Make the type of a record."""
        return cls(
            session=session,
            record=record,
            account_no=access.told_number(session.viewer, record.account_no),
            currency=record.currency,
            balance=record.balance,
            opened_on=record.opened_on,
            closed_on=record.closed_on,
            attributes=plain(record.attributes),
        )

    @strawberry.field(description="The product it is an account of.", graphql_type=Product | None)
    def product(self) -> AwaitableOrValue[Product | None]:
        """The account's product."""
        return _product(self.session, self.record.product_code)


@strawberry.type(description="A card, by a token and never by its real number.")
class Card:
    """A card of a customer."""

    session: strawberry.Private[Session]
    record: strawberry.Private[records.Card]
    card_no: str = strawberry.field(description="The card's token; to managers its last places.")
    account_no: str | None = strawberry.field(
        description="The account it draws on; to managers the last places of its number."
    )
    principal_card_no: str | None = strawberry.field(
        description="The principal card of a supplementary one; to managers its last places."
    )
    issued_on: date | None = strawberry.field(description="Day of issue.")
    expires_on: date | None = strawberry.field(description="Last day.")
    status: str | None = strawberry.field(description="active, blocked, closed, …")
    attributes: JSON = strawberry.field(description="Columns of the bank's files beyond the format.")

    @classmethod
    def of(cls, session: Session, record: records.Card) -> "Card":
        """Make the type of a record."""
        viewer, account_no, principal_no = session.viewer, record.account_no, record.principal_card_no
        return cls(
            session=session,
            record=record,
            card_no=access.told_number(viewer, record.card_no),
            account_no=access.told_number(viewer, account_no) if account_no else None,
            principal_card_no=access.told_number(viewer, principal_no) if principal_no else None,
            issued_on=record.issued_on,
            expires_on=record.expires_on,
            status=record.status,
            attributes=plain(record.attributes),
        )

    @strawberry.field(description="The product it is a card of.", graphql_type=Product | None)
    def product(self) -> AwaitableOrValue[Product | None]:
        """The card's product."""
        return _product(self.session, self.record.product_code)

    @strawberry.field(description="The programme it belongs to.")
    async def programme(self) -> Programme | None:
        """The card's programme."""
        return await _programme(self.session, self.record.programme_code)


@strawberry.type(description="A customer has a product since a date, until a date or still.")
class Holding:
    """A holding of a customer."""

    session: strawberry.Private[Session]
    record: strawberry.Private[records.Holding]
    opened_on: date | None = strawberry.field(description="First day.")
    closed_on: date | None = strawberry.field(description="Last day; null while it is held.")
    balance: float | None = strawberry.field(description="Its balance.")

    @classmethod
    def of(cls, session: Session, record: records.Holding) -> "Holding":
        """Make the type of a record."""
        return cls(
            session=session,
            record=record,
            opened_on=record.opened_on,
            closed_on=record.closed_on,
            balance=record.balance,
        )

    @strawberry.field(description="The product held.", graphql_type=Product | None)
    def product(self) -> AwaitableOrValue[Product | None]:
        """The product; null while a load is removing it."""
        return _product(self.session, self.record.product_code)


@strawberry.type(description="A customer's part in a partner programme.")
class Membership:
    """A membership of a customer."""

    session: strawberry.Private[Session]
    record: strawberry.Private[records.Membership]
    role: MemberRole = strawberry.field(description="What the member is in it.")
    reference: str | None = strawberry.field(
        description="Student number, tobacco licence, …; to managers its last places."
    )
    since: date | None = strawberry.field(description="First day.")
    until: date | None = strawberry.field(description="Last day.")

    @classmethod
    def of(cls, session: Session, record: records.Membership) -> "Membership":
        """Make the type of a record."""
        return cls(
            session=session,
            record=record,
            role=record.role,
            reference=access.told_number(session.viewer, record.reference) if record.reference else None,
            since=record.since,
            until=record.until,
        )

    @strawberry.field(description="The programme.")
    async def programme(self) -> Programme | None:
        """The membership's programme."""
        return await _programme(self.session, self.record.programme_code)


@strawberry.type(description="Something that happened between bank and customer.")
class Interaction:
    """An interaction of a customer."""

    session: strawberry.Private[Session]
    record: strawberry.Private[records.Interaction]
    interaction_id: str = strawberry.field(description="The bank's id of it.")
    channel: Channel = strawberry.field(description="Where.")
    kind: str = strawberry.field(description="visit, call, login, complaint, enquiry, …")
    at: datetime = strawberry.field(description="When.")
    note: str | None = strawberry.field(description="A note.")

    @classmethod
    def of(cls, session: Session, record: records.Interaction) -> "Interaction":
        """Make the type of a record."""
        return cls(
            session=session,
            record=record,
            interaction_id=record.interaction_id,
            channel=record.channel,
            kind=record.kind,
            at=record.at,
            note=record.note,
        )

    @strawberry.field(description="The product it was about.", graphql_type=Product | None)
    def product(self) -> AwaitableOrValue[Product | None]:
        """The interaction's product."""
        return _product(self.session, self.record.product_code)


@strawberry.type(description="One month over all of a customer's accounts.")
class ActivityMonth:
    """A month; money is summed over accounts."""

    month: str = strawberry.field(description="The month, YYYY-MM.")
    inflow: float | None = strawberry.field(description="Money in.")
    outflow: float | None = strawberry.field(description="Money out.")
    salary: float | None = strawberry.field(description="Of the inflow, salary.")
    transactions: int | None = strawberry.field(description="How many.")
    lowest_balance: float | None = strawberry.field(description="Lowest balance.")
    closing_balance: float | None = strawberry.field(description="Last balance.")

    @classmethod
    def of(cls, record: records.ActivityMonth) -> "ActivityMonth":
        """Make the type of a record."""
        return cls(
            month=record.month,
            inflow=record.inflow,
            outflow=record.outflow,
            salary=record.salary,
            transactions=record.transactions,
            lowest_balance=record.lowest_balance,
            closing_balance=record.closing_balance,
        )
