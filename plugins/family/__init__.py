"""The family programme: a principal, and dependants with supplementary cards on the principal's limit.

Both are offered the family's cards, the principal first. That the principal's limit holds for all of them is the
bank's own gate ``CREDIT_LIMIT``, which holds without this plugin too. Nobody is offered credit who is not known to be
an adult.
"""

from collections.abc import Callable

from graph.words import ProgrammeKind
from loaders.sample_parts import Sample
from plugins.about import About
from plugins.contract import Breakdown, Field
from plugins.family.gates import MINOR
from plugins.family.knowing import FIELDS, JOINED, ROLES
from plugins.family.offering import propose
from plugins.family.sample import SAMPLE
from plugins.functions import FunctionRecommender
from plugins.hookspecs import hookimpl
from recommenders.contract import Gate, LifeEvent, Recommender


@hookimpl
def about() -> About:
    """See memberships of families, and ages."""
    return About(permissions=("membership:family", "birth_date"), serves=(ProgrammeKind.FAMILY,))


@hookimpl
def recommenders(register: Callable[[Recommender], None]) -> None:
    """Register the programme's recommender."""
    register(FunctionRecommender("family", "1", propose))


@hookimpl
def gates(register: Callable[[Gate], None]) -> None:
    """No credit for minors."""
    register(MINOR)


@hookimpl
def events(register: Callable[[LifeEvent], None]) -> None:
    """A customer joins a family."""
    register(JOINED)


@hookimpl
def fields(register: Callable[[Field], None]) -> None:
    """What a customer is in a family."""
    for field in FIELDS:
        register(field)


@hookimpl
def breakdowns(register: Callable[[Breakdown], None]) -> None:
    """Principals and dependants, for the programme's report."""
    register(ROLES)


@hookimpl
def samples(register: Callable[[Sample], None]) -> None:
    """The sample bank's family circle."""
    register(SAMPLE)
