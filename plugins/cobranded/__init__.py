"""Co-branded programmes: a partner's customers, the partner's benefits, while the programme runs.

Members are told the programme's ``benefit`` of the bank's file.
"""

from collections.abc import Callable

from graph.words import ProgrammeKind
from loaders.sample_parts import Sample
from plugins.about import About
from plugins.cobranded.knowing import ENDS, FIELDS, YEARS
from plugins.cobranded.offering import propose
from plugins.cobranded.sample import SAMPLE
from plugins.contract import Breakdown, Field
from plugins.functions import FunctionRecommender
from plugins.hookspecs import hookimpl
from recommenders.contract import LifeEvent, Recommender


@hookimpl
def about() -> About:
    """See memberships of co-branded programmes, and nothing else."""
    return About(permissions=("membership:cobranded",), serves=(ProgrammeKind.COBRANDED,))


@hookimpl
def recommenders(register: Callable[[Recommender], None]) -> None:
    """Register the programme's recommender."""
    register(FunctionRecommender("cobranded", "1", propose))


@hookimpl
def events(register: Callable[[LifeEvent], None]) -> None:
    """A programme ends."""
    register(ENDS)


@hookimpl
def fields(register: Callable[[Field], None]) -> None:
    """Until when a customer's programmes run."""
    for field in FIELDS:
        register(field)


@hookimpl
def breakdowns(register: Callable[[Breakdown], None]) -> None:
    """Members by the year in which they joined, for the report to the partner."""
    register(YEARS)


@hookimpl
def samples(register: Callable[[Sample], None]) -> None:
    """The sample bank's supermarket."""
    register(SAMPLE)
