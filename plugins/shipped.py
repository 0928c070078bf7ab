"""The bank's own recommenders and gates, through the same hooks as anybody's.

What recommenders learn with takes seconds to import, and is when they are asked for.
"""

from collections.abc import Callable

from plugins.about import About
from plugins.hookspecs import hookimpl
from recommenders.contract import Gate, Recommender
from recommenders.gates import DEFAULT_GATES
from recommenders.programme_gates import PROGRAMME_GATES
from recommenders.rules import LifecycleRules
from recommenders.sight import RECORDED


@hookimpl
def about() -> About:
    """See everything that is recorded: they are the bank's own."""
    return About(permissions=RECORDED)


@hookimpl
def recommenders(register: Callable[[Recommender], None]) -> None:
    """Collaborative filtering, lifecycle rules, relations, and popularity as the fallback."""
    from recommenders.als import Als
    from recommenders.cohorts import Cohorts
    from recommenders.popularity import Popularity

    for recommender in (Als(), LifecycleRules(), Cohorts(), Popularity()):
        register(recommender)


@hookimpl
def gates(register: Callable[[Gate], None]) -> None:
    """The gates that hold for every bank, and those of its contracts with partners."""
    for gate in (*DEFAULT_GATES, *PROGRAMME_GATES):
        register(gate)
