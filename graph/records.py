"""What the graph returns: frozen values, with no connection to the store behind them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeAlias

from graph.terms import Contract, Terms
from graph.words import (
    Channel,
    ConsentSource,
    CreditTier,
    CustomerKind,
    Gender,
    Language,
    MemberRole,
    OutcomeKind,
    Purpose,
    RelationKind,
    RiskProfile,
    RiskRating,
    ValueTier,
)

Scalar: TypeAlias = str | int | float | bool | date


@dataclass(frozen=True, slots=True)
class Product:
    """Something a customer can hold. ``margin`` is its yearly value to the bank, in the bank's currency.

    ``purpose`` tells programmes what it is for; ``programme_name`` and kind, its days, the partner, the benefit and
    the contract are its programme's. ``rivals`` are products beside which it may not stand, by its contract or by
    theirs. ``claimed_by`` are plugins without which it is not offered: of each group, one has to be in use.
    """

    product_code: str
    name: str
    category: str
    name_zh: str | None = None
    audience: tuple[CustomerKind, ...] = ()
    risk_rating: RiskRating | None = None
    credit: bool = False
    min_age: int | None = None
    max_age: int | None = None
    requires: tuple[str, ...] = ()
    purpose: str | None = None
    programme_code: str | None = None
    programme_name: str | None = None
    programme_name_zh: str | None = None
    programme_kind: str | None = None
    programme_starts_on: date | None = None
    programme_ends_on: date | None = None
    partner_code: str | None = None
    programme_benefit: str | None = None
    programme_benefit_zh: str | None = None
    contract: Contract | None = None
    rivals: tuple[str, ...] = ()
    claimed_by: tuple[tuple[str, ...], ...] = ()
    margin: float | None = None
    active_from: date | None = None
    active_until: date | None = None
    attributes: Mapping[str, Scalar] = field(default_factory=dict)

    def is_sold_on(self, day: date) -> bool:
        """Whether it is on sale on a day."""
        return not (
            (self.active_from is not None and self.active_from > day)
            or (self.active_until is not None and self.active_until < day)
        )


@dataclass(frozen=True, slots=True)
class Holding:
    """A customer has a product since a date, until a date or still."""

    product_code: str
    opened_on: date | None = None
    closed_on: date | None = None
    balance: float | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """A customer's part in a partner programme, with the programme's own names and dates."""

    programme_code: str
    programme_kind: str
    role: MemberRole
    partner_code: str | None = None
    reference: str | None = None
    since: date | None = None
    until: date | None = None
    programme_starts_on: date | None = None
    programme_ends_on: date | None = None
    programme_name: str | None = None
    programme_name_zh: str | None = None
    attributes: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Relation:
    """Another customer, and what that customer is to this one (``kind``).

    ``outgoing`` is true when the relation was stated by this customer's row: *to* is the ``kind`` of *from*.
    """

    customer_no: str
    kind: RelationKind
    outgoing: bool
    since: date | None = None


@dataclass(frozen=True, slots=True)
class KinHolding:
    """What a relative holds, from the later of its opening and the relation's beginning."""

    customer_no: str
    product_code: str
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Debt:
    """What is owed by one holding on credit, which is not named, since a date, until a date or still."""

    opened_on: date | None = None
    closed_on: date | None = None
    balance: float | None = None


@dataclass(frozen=True, slots=True)
class FamilyMember:
    """Another member of a family that the customer belongs to, by the rule of ``graph.families``.

    ``principal_no`` tells whose family it is; ``since`` and ``until`` hold for membership and tie together. Only for
    what the family may still borrow: no word of it is for the customer, or for who serves him.
    """

    customer_no: str
    programme_code: str
    principal_no: str
    credit_limit: float | None = None
    debts: tuple[Debt, ...] = ()
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class ActivityMonth:
    """One month over all of a customer's accounts; ``month`` is ``YYYY-MM``, money in account currency."""

    month: str
    inflow: float | None = None
    outflow: float | None = None
    salary: float | None = None
    transactions: int | None = None
    lowest_balance: float | None = None
    closing_balance: float | None = None


@dataclass(frozen=True, slots=True)
class Interaction:
    """Something that happened between bank and customer on a channel."""

    interaction_id: str
    channel: Channel
    kind: str
    at: datetime
    product_code: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an offer."""

    offer_id: str
    product_code: str
    kind: OutcomeKind
    channel: Channel
    at: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """A customer's word on a purpose, about a channel, or about all where ``channel`` is None.

    Attributes:
        at: when he said so; None where the bank's file does not tell, and before all that is dated.
        recorded_by: role and subject of who recorded it; None for files.
        version: the place in which it was recorded, from 1; 0 for what a file said before all else.
    """

    purpose: Purpose
    granted: bool
    channel: Channel | None = None
    at: datetime | None = None
    source: ConsentSource = ConsentSource.FILE
    recorded_by: str | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class Customer:
    """All the engine may know of one customer, read in one query.

    ``activity`` is oldest month first; ``attributes`` holds every column the bank's file adds to the format;
    ``consents`` is oldest first, ``consent_version`` the last one's, and ``marketing_consent`` what they come to on
    one channel at least; ``recommenders.consent`` tells.
    """

    customer_no: str
    kind: CustomerKind
    name: str | None = None
    birth_date: date | None = None
    gender: Gender | None = None
    region: str | None = None
    occupation: str | None = None
    industry: str | None = None
    joined_on: date | None = None
    income: float | None = None
    value_tier: ValueTier | None = None
    risk_profile: RiskProfile | None = None
    credit_tier: CreditTier | None = None
    credit_limit: float | None = None
    branch_code: str | None = None
    manager_no: str | None = None
    language: Language | None = None
    marketing_consent: bool | None = None
    consent_version: int = 0
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    holdings: tuple[Holding, ...] = ()
    memberships: tuple[Membership, ...] = ()
    relations: tuple[Relation, ...] = ()
    kin: tuple[KinHolding, ...] = ()
    family: tuple[FamilyMember, ...] = ()
    activity: tuple[ActivityMonth, ...] = ()
    interactions: tuple[Interaction, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    consents: tuple[Consent, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """An account, with its balance in ``currency``."""

    account_no: str
    customer_no: str
    product_code: str | None = None
    currency: str | None = None
    balance: float | None = None
    opened_on: date | None = None
    closed_on: date | None = None
    attributes: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Card:
    """A card by its token; ``principal_card_no`` names the principal of a supplementary one."""

    card_no: str
    customer_no: str
    account_no: str | None = None
    product_code: str | None = None
    programme_code: str | None = None
    principal_card_no: str | None = None
    issued_on: date | None = None
    expires_on: date | None = None
    status: str | None = None
    attributes: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Partner:
    """An organisation that co-brands products with the bank."""

    partner_code: str
    name: str
    kind: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Programme:
    """What a partner and the bank run together, while it runs, what members gain by it, and the terms agreed on.

    Its kind is one of ``ProgrammeKind``, or another that a plugin knows.
    """

    programme_code: str
    kind: str
    name: str
    starts_on: date | None = None
    ends_on: date | None = None
    benefit: str | None = None
    benefit_zh: str | None = None
    partner: Partner | None = None
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """So many members of whom the programme knows the same."""

    role: str
    since: date | None
    until: date | None
    has_reference: bool
    count: int

    def are_there(self, day: date) -> bool:
        """Whether they are members on a day."""
        return (self.since is None or self.since <= day) and (self.until is None or self.until >= day)


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """What staff has set of a plugin at run time; version 0 is nothing."""

    plugin: str
    version: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """A way in which a plugin fails.

    Attributes:
        failure_id: of plugin, version, hook, item, error and place; its report is named by it.
        item: the recommender's name, the gate's or event's code, or a type and its field.
        said: what the error says, as far as that is nobody's.
        place: file and line; None where nobody knows.
    """

    failure_id: str
    plugin: str
    version: str | None
    owner: str | None
    hook: str
    item: str
    error: str
    said: str
    place: str | None
