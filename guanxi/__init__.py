"""The front door: what plugin authors import, and all that is stable."""

from typing import TYPE_CHECKING

from graph.errors import GuanxiError, LoadError
from graph.records import Members
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
from recommenders.view import CustomerView

if TYPE_CHECKING:
    from guanxi.bank import Bank
    from guanxi.bank import open_bank as open  # noqa: A004 - guanxi.open() reads as what it does

__all__ = [
    "About",
    "Bank",
    "Batch",
    "Breakdown",
    "BundleRule",
    "Candidates",
    "Catalogue",
    "Channel",
    "Command",
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
    "Job",
    "Language",
    "Lever",
    "LifeEvent",
    "LifecycleStage",
    "LoadError",
    "MemberRole",
    "Members",
    "OutcomeKind",
    "Person",
    "ProgrammeKind",
    "Proposal",
    "Purpose",
    "Reason",
    "Recommender",
    "Refusal",
    "RelationKind",
    "RiskProfile",
    "RiskRating",
    "Sample",
    "Source",
    "Trainable",
    "ValueTier",
    "Village",
    "hookimpl",
    "open",
    "recommender",
    "say",
]


def __getattr__(name: str) -> object:
    """Import what opens a bank when it is asked for: its libraries take seconds, and few commands need them."""
    if name not in {"Bank", "open"}:
        return deprecation.deprecated_name(name)
    from guanxi import bank

    return bank.Bank if name == "Bank" else bank.open_bank
