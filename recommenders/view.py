"""A customer as gates, recommenders and plugins see him: read-only, and nothing that happened after ``today``."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Final

from graph.records import (
    ActivityMonth,
    Consent,
    Customer,
    FamilyMember,
    Holding,
    Interaction,
    Membership,
    Outcome,
    Relation,
    Scalar,
)
from graph.words import (
    CreditTier,
    CustomerKind,
    Gender,
    Language,
    LifecycleStage,
    MemberRole,
    ProgrammeKind,
    Purpose,
    RelationKind,
    RiskProfile,
    ValueTier,
)
from recommenders import consent, lifecycle
from recommenders.insight import CustomerScores, Insight, Known, Segment
from recommenders.read_only import ReadOnly


@dataclass(frozen=True, slots=True)
class SharedLimit:
    """The credit limit of a family: its principal's, and what all but the customer himself owe on it today.

    For what may still be lent, and nothing that anybody is told: it is made of other customers' figures.
    ``is_own`` is true for the principal.
    """

    programme_code: str
    limit: float | None
    owed_by_others: float
    is_own: bool


class CustomerView(ReadOnly):
    """One customer on one day, met on a channel if one is given. Stability: plugin API.

    Attributes:
        today: the day.
        channel: the channel; None in training, and where none is known.
    """

    _record: Customer
    _told: Callable[[], Insight] | None
    today: date
    channel: str | None
    customer_no: str
    kind: CustomerKind
    name: str | None
    birth_date: date | None
    gender: Gender | None
    region: str | None
    branch_code: str | None
    occupation: str | None
    industry: str | None
    income: float | None
    language: Language | None
    risk_profile: RiskProfile | None
    credit_tier: CreditTier | None
    credit_limit: float | None
    attributes: Mapping[str, Scalar]

    def __init__(
        self, record: Customer, today: date, channel: str | None = None, told: Callable[[], Insight] | None = None
    ) -> None:
        self.__dict__.update(
            _record=record,
            _told=told,
            today=today,
            channel=channel,
            customer_no=record.customer_no,
            kind=record.kind,
            name=record.name,
            birth_date=record.birth_date,
            gender=record.gender,
            region=record.region,
            branch_code=record.branch_code,
            occupation=record.occupation,
            industry=record.industry,
            income=record.income,
            language=record.language,
            risk_profile=record.risk_profile,
            credit_tier=record.credit_tier,
            credit_limit=record.credit_limit,
            attributes=MappingProxyType(record.attributes),
        )

    def changed(
        self, change: Callable[[Customer], Customer], seen: Callable[[Insight], Insight] | None = None
    ) -> "CustomerView":
        """Return him on the same day, as his record is when it is changed, and told what of his insight is seen.

        Both are looked at when he is asked for what is in them.
        """
        told = self._told
        less = (lambda: seen(told())) if seen and told else None
        return _Changed(change(self._record), self.today, self.channel, less)

    def telling(self, told: Callable[[], Insight]) -> "CustomerView":
        """Return him with what gives his insight when it is asked for."""
        return CustomerView(self._record, self.today, self.channel, told)

    def __reduce__(self) -> tuple[type["CustomerView"], tuple[Customer, date, str | None, Known | None]]:
        """To another process go the record and the insight, and nothing that was made of them."""
        return type(self), (self._record, self.today, self.channel, Known(self._insight) if self._told else None)

    @cached_property
    def age(self) -> int | None:
        """Age in whole years; None where the birth date is unknown."""
        born = self.birth_date
        if born is None:
            return None
        return self.today.year - born.year - ((self.today.month, self.today.day) < (born.month, born.day))

    @property
    def age_in_years(self) -> float | None:
        """Age in years and parts of one; None where the birth date is unknown."""
        born = self.birth_date
        return None if born is None else (self.today - born).days / 365.25

    @cached_property
    def ever(self) -> tuple[Holding, ...]:
        """Everything held on or before today; a closing that lies ahead is not known yet."""
        today = self.today
        return tuple(
            Holding(holding.product_code, holding.opened_on, None, holding.balance)
            if holding.closed_on is not None and holding.closed_on > today
            else holding
            for holding in self._record.holdings
            if holding.opened_on is None or holding.opened_on <= today
        )

    @cached_property
    def holdings(self) -> tuple[Holding, ...]:
        """What is held today."""
        return tuple(holding for holding in self.ever if holding.closed_on is None)

    @cached_property
    def _held(self) -> frozenset[str]:
        return frozenset(holding.product_code for holding in self.holdings)

    def holds(self, product_code: str) -> bool:
        """Whether a product is held today."""
        return product_code in self._held

    def ever_held(self, product_code: str) -> bool:
        """Whether a product was ever held."""
        return any(holding.product_code == product_code for holding in self.ever)

    @cached_property
    def all_memberships(self) -> tuple[Membership, ...]:
        """Memberships that began on or before today, ended ones too."""
        return tuple(m for m in self._record.memberships if m.since is None or m.since <= self.today)

    @cached_property
    def memberships(self) -> tuple[Membership, ...]:
        """Memberships in force today: of the member, and of the programme."""
        return tuple(
            m
            for m in self.all_memberships
            if (m.until is None or m.until >= self.today)
            and (m.programme_starts_on is None or m.programme_starts_on <= self.today)
            and (m.programme_ends_on is None or m.programme_ends_on >= self.today)
        )

    def member_of(self, programme: str, role: str | None = None) -> bool:
        """Whether the customer is today in a programme, by code or by kind, and in that role if one is named."""
        return self.membership(programme, role) is not None

    def membership(self, programme: str, role: str | None = None) -> Membership | None:
        """Return the membership in force in a programme, by code or by kind."""
        for membership in self.memberships:
            if programme in (membership.programme_code, membership.programme_kind) and role in (None, membership.role):
                return membership
        return None

    @cached_property
    def relations(self) -> tuple[Relation, ...]:
        """Relations known today."""
        return tuple(r for r in self._record.relations if r.since is None or r.since <= self.today)

    def related(self, kind: RelationKind | str) -> bool:
        """Whether the customer has a relation of a kind, such as ``"spouse"``."""
        return any(relation.kind == kind for relation in self.relations)

    @cached_property
    def shared_limits(self) -> tuple[SharedLimit, ...]:
        """The limits that hold for him as a member of families, by the rule of ``graph.families``; mostly none.

        A limit is None where the bank does not know it, or does not know who the principal is.
        """
        limits: list[SharedLimit] = []
        for membership in self.memberships:
            code = membership.programme_code
            if membership.programme_kind != ProgrammeKind.FAMILY:
                continue
            principals: dict[str, float | None] = {}
            if membership.role is MemberRole.PRINCIPAL:
                principals = {self.customer_no: self.credit_limit}
            elif membership.role is MemberRole.DEPENDANT:
                of_programme = [m for m in self._family if m.programme_code == code]
                heads = {m.customer_no: m.credit_limit for m in of_programme if m.customer_no == m.principal_no}
                principals = heads or {"": None}
            limits += [
                SharedLimit(code, limit, self._owed_in_family(code, no), is_own=no == self.customer_no)
                for no, limit in principals.items()
            ]
        return tuple(limits)

    @cached_property
    def _family(self) -> tuple[FamilyMember, ...]:
        today = self.today
        return tuple(
            m
            for m in self._record.family
            if (m.since is None or m.since <= today) and (m.until is None or m.until >= today)
        )

    def _owed_in_family(self, programme_code: str, principal_no: str) -> float:
        own = [m for m in self._family if (m.programme_code, m.principal_no) == (programme_code, principal_no)]
        debts = (debt for member in {m.customer_no: m for m in own}.values() for debt in member.debts)
        return sum(
            abs(debt.balance or 0.0)
            for debt in debts
            if (debt.opened_on is None or debt.opened_on <= self.today)
            and (debt.closed_on is None or debt.closed_on > self.today)
        )

    @cached_property
    def activity(self) -> tuple[ActivityMonth, ...]:
        """Months of activity that are over, oldest first, at most 36."""
        this_month = f"{self.today:%Y-%m}"
        return tuple(month for month in self._record.activity if month.month < this_month)[-36:]

    @cached_property
    def salary_months(self) -> int:
        """How many months in a row, up to the last known one, brought a salary."""
        months = 0
        for month in reversed(self.activity):
            if not month.salary:
                break
            months += 1
        return months

    @property
    def months_since_activity(self) -> int | None:
        """Whole months since the last month with activity."""
        return lifecycle.months_between(self.activity[-1].month, self.today) if self.activity else None

    @cached_property
    def monthly_inflow(self) -> float | None:
        """Mean inflow of the last 12 known months."""
        known = [month.inflow for month in self.activity[-12:] if month.inflow is not None]
        return sum(known) / len(known) if known else None

    @property
    def joined_on(self) -> date | None:
        """The day on which he came to the bank; None where it is unknown or lies ahead."""
        joined = self._record.joined_on
        return None if joined is None or joined > self.today else joined

    @cached_property
    def months_since_joining(self) -> int | None:
        """Whole months with the bank."""
        joined = self.joined_on
        return None if joined is None else (self.today - joined).days * 12 // 365

    @property
    def months_with_bank(self) -> float | None:
        """Months with the bank, and parts of one."""
        joined = self.joined_on
        return None if joined is None else (self.today - joined).days / 30.4375

    @cached_property
    def kin_holdings(self) -> Mapping[str, int]:
        """How many relatives hold each product today, by product code: for models, never for a reason."""
        held = {
            (kin.customer_no, kin.product_code)
            for kin in self._record.kin
            if (kin.since is None or kin.since <= self.today) and (kin.until is None or kin.until > self.today)
        }
        return MappingProxyType(Counter(code for _, code in held))

    @cached_property
    def interactions(self) -> tuple[Interaction, ...]:
        """Interactions up to today."""
        return tuple(i for i in self._record.interactions if i.at.date() <= self.today)

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What became of earlier offers, up to today."""
        return tuple(o for o in self._record.outcomes if o.at.date() <= self.today)

    @cached_property
    def consents(self) -> tuple[Consent, ...]:
        """What he said of purposes and channels up to today, oldest first."""
        said = consent.history(self._record)
        return tuple(one for one in said if one.at is None or one.at.date() <= self.today)

    def said_of(self, purpose: Purpose, channel: str | None = None) -> bool | None:
        """His latest word on a purpose, about a channel or all; without one, whether he agreed on one at least."""
        return consent.answer(consent.held(self.consents, purpose), channel)

    def consents_to(self, purpose: Purpose, channel: str | None = None) -> bool:
        """Whether the bank may: who never spoke of it did not consent, and to partners' offers if to others.

        Profiling it may unless he objected, on any channel.
        """
        if purpose is Purpose.PROFILING:
            return False not in consent.held(self.consents, purpose).values()
        said = self.said_of(purpose, channel)
        if said is None and purpose is not Purpose.MARKETING:
            return self.consents_to(Purpose.MARKETING, channel)
        return said is True

    @cached_property
    def marketing_consent(self) -> bool | None:
        """Whether he agreed to offers, on the channel of the request or else on one at least."""
        return self.said_of(Purpose.MARKETING, self.channel)

    @cached_property
    def stage(self) -> LifecycleStage:
        """Lifecycle stage by the rules of ``recommenders.lifecycle``."""
        return lifecycle.stage(self.ever, self.activity, self.joined_on, self.today)

    @cached_property
    def tier(self) -> ValueTier:
        """Value tier, as the bank gives it or else by rule."""
        return self._record.value_tier or lifecycle.tier(self.income, len(self.holdings))

    @property
    def segment(self) -> Segment | None:
        """The customers he is like, as the model of the day found them; None where it found none, or he has left."""
        return self._insight.segment

    @property
    def scores(self) -> CustomerScores:
        """Whether he may leave (``churn``) and what he is worth (``value``), as the model of the day says."""
        return self._insight.scores

    @cached_property
    def _insight(self) -> Insight:
        return self._told() if self._told else Insight(self.customer_no)

    @cached_property
    def cohorts(self) -> tuple[tuple[str, str], ...]:
        """Groups whose aggregates may speak for the customer: employer, programmes, and the family relations he has."""
        keys = [("employer", r.customer_no) for r in self.relations if r.kind is RelationKind.EMPLOYER]
        keys += [("programme", m.programme_code) for m in self.memberships]
        keys += [("family", kind) for kind in FAMILY if self.related(kind)]
        return tuple(dict.fromkeys(keys))


class _Changed(CustomerView):
    """A customer whose record is dear: each of its columns is looked at when it is first asked for."""

    def __init__(
        self, record: Customer, today: date, channel: str | None = None, told: Callable[[], Insight] | None = None
    ) -> None:
        self.__dict__.update(_record=record, _told=told, today=today, channel=channel)

    def __getattr__(self, name: str) -> object:
        if name not in COLUMNS:
            raise AttributeError(f"{CustomerView.__name__!r} object has no attribute {name!r}")
        value = getattr(self._record, name)
        own = self.__dict__[name] = MappingProxyType(value) if name == "attributes" else value
        return own


COLUMNS: Final = CustomerView.__annotations__.keys() & set(Customer.__slots__)
"""What a view has of the columns of the customers' file."""
FAMILY = (RelationKind.SPOUSE, RelationKind.CHILD, RelationKind.PARENT, RelationKind.ACCOUNT_USER)
