"""The front door: what plugin authors import, and all that is stable."""

from typing import TYPE_CHECKING

from graph.errors import GuanxiError, LoadError
from graph.records import (
    ActivityMonth,
    Consent,
    Holding,
    Interaction,
    Members,
    Membership,
    Outcome,
    Product,
    Relation,
)
from graph.words import (
    Channel,
    CreditTier,
    CustomerKind,
    Gender,
    Language,
    LifecycleStage,
    MemberRole,
    OutcomeKind,
    ProgrammeKind,
    Purpose,
    RelationKind,
    RiskProfile,
    RiskRating,
    ValueTier,
)
from loaders.sample_parts import Firm, Sample
from loaders.sample_village import Person, Village
from loaders.sources import Source
from plugins import deprecation
from plugins.about import About
from plugins.contract import Breakdown, Command, Facts, Field, Format, Job
from plugins.functions import recommender
from plugins.hookspecs import hookimpl
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import (
    BundleRule,
    Candidates,
    Context,
    Gate,
    Lever,
    LifeEvent,
    Proposal,
    Reason,
    Recommender,
    Refusal,
    Trainable,
)
from recommenders.gates import say
from recommenders.view import CustomerView, SharedLimit

if TYPE_CHECKING:
    from guanxi.bank import Bank
    from guanxi.bank import open_bank as open  # noqa: A004 - guanxi.open() reads as what it does
    from recommenders.portfolio import Portfolio

__all__ = [
    "About",
    "ActivityMonth",
    "Bank",
    "Batch",
    "Breakdown",
    "BundleRule",
    "Candidates",
    "Catalogue",
    "Channel",
    "Command",
    "Consent",
    "Context",
    "CreditTier",
    "CustomerKind",
    "CustomerView",
    "Facts",
    "Field",
    "Firm",
    "Format",
    "Gate",
    "Gender",
    "GuanxiError",
    "Holding",
    "Interaction",
    "Job",
    "Language",
    "Lever",
    "LifeEvent",
    "LifecycleStage",
    "LoadError",
    "MemberRole",
    "Members",
    "Membership",
    "Outcome",
    "OutcomeKind",
    "Person",
    "Portfolio",
    "Product",
    "ProgrammeKind",
    "Proposal",
    "Purpose",
    "Reason",
    "Recommender",
    "Refusal",
    "Relation",
    "RelationKind",
    "RiskProfile",
    "RiskRating",
    "Sample",
    "SharedLimit",
    "Source",
    "Trainable",
    "ValueTier",
    "Village",
    "hookimpl",
    "open",
    "recommender",
    "say",
]


if not TYPE_CHECKING:  # a type checker would take any name for one that is there

    def __getattr__(name: str) -> object:
        """Import what opens a bank, or is learnt from, when it is asked for: its libraries take seconds."""
        if name in {"Bank", "open"}:
            from guanxi import bank

            return bank.Bank if name == "Bank" else bank.open_bank
        if name == "Portfolio":
            from recommenders import portfolio

            return portfolio.Portfolio
        return deprecation.deprecated_name(name)
