"""The front door: what plugin authors import, and all that is stable."""

from graph.errors import GuanxiError
from plugins.functions import recommender
from plugins.hookspecs import hookimpl
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import BundleRule, Candidates, Proposal, Reason, Refusal
from recommenders.view import CustomerView

__all__ = [
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
    "recommender",
]
