"""The bank's closed vocabularies; the graph, the files, the command line and GraphQL share them."""

from enum import StrEnum
from typing import Final


class CustomerKind(StrEnum):
    """What a customer is in law."""

    PERSON = "person"
    COMPANY = "company"
    INSTITUTION = "institution"


class Gender(StrEnum):
    """A person's gender as the bank's file states it."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


class ValueTier(StrEnum):
    """What a customer is worth to the bank."""

    HIGH = "high"
    MIDDLE = "middle"
    LOW = "low"


class CreditTier(StrEnum):
    """A company's credit standing, best first."""

    GOLD = "gold"
    KEY = "key"
    QUALITY = "quality"
    GENERAL = "general"
    RESTRICTED = "restricted"
    ELIMINATED = "eliminated"


class RiskProfile(StrEnum):
    """The investment risk a customer may bear, lowest first; C3 may buy products up to R3."""

    C1 = "C1"
    C2 = "C2"
    C3 = "C3"
    C4 = "C4"
    C5 = "C5"


class RiskRating(StrEnum):
    """A product's investment risk, lowest first."""

    R1 = "R1"
    R2 = "R2"
    R3 = "R3"
    R4 = "R4"
    R5 = "R5"


class LifecycleStage(StrEnum):
    """Where a customer stands in the relationship with the bank."""

    PROSPECT = "prospect"
    NEW = "new"
    GROWING = "growing"
    MATURE = "mature"
    DECLINING = "declining"
    DORMANT = "dormant"
    LOST = "lost"


class Language(StrEnum):
    """A language offers are explained in."""

    EN = "en"
    ZH = "zh"


class ProgrammeKind(StrEnum):
    """The kinds of partner programme that guanxi ships plugins for; a plugin may bring another."""

    CAMPUS = "campus"
    TOBACCO = "tobacco"
    FAMILY = "family"
    COBRANDED = "cobranded"
    OTHER = "other"

    @classmethod
    def of(cls, kind: str) -> "ProgrammeKind":
        """Return the kind, or ``OTHER`` for one that a plugin brings."""
        return cls(kind) if kind in set(cls) else cls.OTHER


class ProgrammePlace(StrEnum):
    """How the place that a customer takes in a programme stands to the contract with the partner."""

    WITHIN = "within"
    OVER_QUOTA = "over_quota"
    OVER_BUDGET = "over_budget"


class MemberRole(StrEnum):
    """What a member is in a programme."""

    STUDENT = "student"
    TEACHER = "teacher"
    RETAILER = "retailer"
    PRINCIPAL = "principal"
    DEPENDANT = "dependant"
    MEMBER = "member"


class RelationKind(StrEnum):
    """What the customer at the end of a relation is to the one at its start."""

    SPOUSE = "spouse"
    PARENT = "parent"
    CHILD = "child"
    SIBLING = "sibling"
    EMPLOYER = "employer"
    SUPPLIER = "supplier"
    GUARANTOR = "guarantor"
    SHAREHOLDER = "shareholder"
    REFERRER = "referrer"
    ACCOUNT_USER = "account_user"


KIN: Final = (RelationKind.SPOUSE, RelationKind.PARENT, RelationKind.CHILD, RelationKind.SIBLING)
"""The relations that make a family of the members of a family programme."""


class Channel(StrEnum):
    """Where bank and customer meet."""

    BRANCH = "branch"
    PHONE = "phone"
    WEB = "web"
    MOBILE = "mobile"
    ATM = "atm"
    POS = "pos"


class Purpose(StrEnum):
    """What a customer consents to, or refuses."""

    MARKETING = "marketing"
    PARTNERS = "partners"
    PROFILING = "profiling"


class ConsentSource(StrEnum):
    """By what way a customer's word came to the bank's graph."""

    API = "api"
    FILE = "file"


class OutcomeKind(StrEnum):
    """What became of an offer."""

    IMPRESSION = "impression"
    CLICK = "click"
    ACCEPT = "accept"
    DISMISS = "dismiss"
    COMPLAINT = "complaint"


class PluginStage(StrEnum):
    """How far a plugin has come, in the order in which it goes; retired stands beside it."""

    DRAFT = "draft"
    SHADOW = "shadow"
    SHARE = "share"
    LIVE = "live"
    RETIRED = "retired"


class WebhookEvent(StrEnum):
    """What a webhook tells of; a ping is sent by hand alone."""

    OUTCOME_RECORDED = "outcome.recorded"
    OFFER_ACCEPTED = "offer.accepted"
    STAGE_CHANGED = "customer.stage_changed"
    LIFE_EVENT = "customer.life_event"
    PLUGIN_FAILED = "plugin.failed"
    PING = "ping"


class DeliveryState(StrEnum):
    """What became of an event at a webhook."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
