"""The bank's own recommenders, gates and bundles, through the same hooks as anybody's.

What recommenders learn with takes seconds to import, and is when they are asked for.
"""

from collections.abc import Callable

from plugins.hookspecs import hookimpl
from recommenders.bundling import DEFAULT_BUNDLES
from recommenders.catalogue import Catalogue
from recommenders.contract import BundleRule, Gate, Recommender
from recommenders.gates import DEFAULT_GATES
from recommenders.rules import LifecycleRules


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
    """The gates that hold for every bank."""
    for gate in DEFAULT_GATES:
        register(gate)


@hookimpl
def bundles(register: Callable[[BundleRule], None], catalogue: Catalogue) -> None:
    """The bundles whose products the bank has."""
    for rule in DEFAULT_BUNDLES:
        if all(code in catalogue for code in rule.products):
            register(rule)
