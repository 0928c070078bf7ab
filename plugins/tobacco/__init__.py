"""The tobacco programme: licensed retailers of a tobacco bureau, and nobody else.

A retailer with a licence gets the card that settles his orders with the bureau; one whose accounts turn over enough, a
working-capital loan: what the ``purpose`` column of the bank's file says is for ``working_capital``.
"""

from collections.abc import Callable

from graph.words import ProgrammeKind
from loaders.sample_parts import Sample
from plugins.about import About
from plugins.contract import Breakdown, Field
from plugins.functions import FunctionRecommender
from plugins.hookspecs import hookimpl
from plugins.programmes import card_bundles
from plugins.tobacco.gates import NO_TOBACCO_LICENCE
from plugins.tobacco.knowing import FIELDS, LICENCE, LICENCES
from plugins.tobacco.offering import WORKING_CAPITAL, propose
from plugins.tobacco.sample import SAMPLE
from recommenders.catalogue import Catalogue
from recommenders.contract import BundleRule, Gate, LifeEvent, Recommender
from recommenders.gates import say


@hookimpl
def about() -> About:
    """See memberships of bureaus with their licence numbers, and turnover."""
    return About(
        permissions=("membership:tobacco", "activity", "identifiers"),
        serves=(ProgrammeKind.TOBACCO,),
        guards=(WORKING_CAPITAL,),
    )


@hookimpl
def recommenders(register: Callable[[Recommender], None]) -> None:
    """Register the programme's recommender."""
    register(FunctionRecommender("tobacco", "1", propose))


@hookimpl
def gates(register: Callable[[Gate], None]) -> None:
    """A bureau's cards and working capital are for licensed retailers only."""
    register(NO_TOBACCO_LICENCE)


@hookimpl
def bundles(register: Callable[[BundleRule], None], catalogue: Catalogue) -> None:
    """Each bureau's order card with each working-capital loan."""
    title = say("Order now, pay after sales", "先订货后付款")
    otherwise = say("Both are for licensed retailers of your bureau.", "均面向持证烟草零售户。")
    for rule in card_bundles(catalogue, ProgrammeKind.TOBACCO, WORKING_CAPITAL, "STOCK", title, otherwise):
        register(rule)


@hookimpl
def events(register: Callable[[LifeEvent], None]) -> None:
    """A retailer's licence."""
    register(LICENCE)


@hookimpl
def fields(register: Callable[[Field], None]) -> None:
    """Whether a customer is licensed."""
    for field in FIELDS:
        register(field)


@hookimpl
def breakdowns(register: Callable[[Breakdown], None]) -> None:
    """Licensed retailers, for the report to the bureau."""
    register(LICENCES)


@hookimpl
def samples(register: Callable[[Sample], None]) -> None:
    """The sample bank's bureaus."""
    register(SAMPLE)
