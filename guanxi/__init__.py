"""The front door: what plugin authors import, and all that is stable."""

from graph.errors import GuanxiError
from guanxi.bank import Bank
from guanxi.bank import open_bank as open  # noqa: A004 - guanxi.open() reads as what it does
from plugins.functions import recommender
from plugins.hookspecs import hookimpl
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import BundleRule, Candidates, Proposal, Reason, Refusal
from recommenders.gates import say
from recommenders.view import CustomerView

__all__ = [
    "Bank",
    "Batch",
    "BundleRule",
    "Candidates",
    "Catalogue",
    "CustomerView",
    "GuanxiError",
    "Proposal",
    "Reason",
    "Refusal",
    "hookimpl",
    "open",
    "recommender",
    "say",
]
