"""The front door: what plugin authors import, and all that is stable."""

from typing import TYPE_CHECKING

from graph.errors import GuanxiError
from graph.records import Members
from loaders.sample_parts import Sample
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
    "Command",
    "CustomerView",
    "Facts",
    "Field",
    "Format",
    "Gate",
    "GuanxiError",
    "Job",
    "Lever",
    "LifeEvent",
    "Members",
    "Proposal",
    "Reason",
    "Recommender",
    "Refusal",
    "Sample",
    "Trainable",
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
