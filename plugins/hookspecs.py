"""Everything a plugin can add, in one place. Every hook but ``about`` is given a callback to register with.

A plugin names the arguments that it takes, and no others. ``settings`` is an instance of the model that its ``about``
names, and None where it names none; the hooks are called anew when staff changes them.
"""

from collections.abc import Callable
from typing import Any

import pluggy

from loaders.sample_parts import Sample
from plugins.about import About
from plugins.contract import Breakdown, Command, Facts, Field, Format, Job
from recommenders.catalogue import Catalogue
from recommenders.contract import BundleRule, Gate, Lever, LifeEvent, Recommender

hookspec = pluggy.HookspecMarker("guanxi")
hookimpl = pluggy.HookimplMarker("guanxi")


@hookspec(firstresult=True)
def about() -> About | None:
    """Say what the plugin is: version, owner, permissions, settings, and versions of the plugin API it is for."""


@hookspec
def recommenders(register: Callable[[Recommender], None], settings: Any) -> None:
    """Register recommenders; two of one name are an error."""


@hookspec
def gates(register: Callable[[Gate], None], settings: Any) -> None:
    """Register gates; they come after the bank's own."""


@hookspec
def levers(register: Callable[[Lever], None], catalogue: Catalogue, settings: Any) -> None:
    """Register levers, factors by which the business weighs products of a bank's catalogue."""


@hookspec
def bundles(register: Callable[[BundleRule], None], catalogue: Catalogue, settings: Any) -> None:
    """Register bundle rules over a bank's catalogue."""


@hookspec
def events(register: Callable[[LifeEvent], None], settings: Any) -> None:
    """Register events of customers' lives, such as a graduation; two of one code are an error."""


@hookspec
def formats(register: Callable[[Format], None], settings: Any) -> None:
    """Register ways in which a bank's files are written, for ``guanxi load``; two of one name are an error."""


@hookspec
def fields(register: Callable[[Field], None], settings: Any) -> None:
    """Register fields of the GraphQL schema; they stand there under the plugin's prefix."""


@hookspec
def facts(register: Callable[[Facts], None], settings: Any) -> None:
    """Register the types of the facts that this plugin's reasons give, for the GraphQL schema."""


@hookspec
def commands(register: Callable[[Command], None], settings: Any) -> None:
    """Register commands of the command line; two of one name are an error."""


@hookspec
def jobs(register: Callable[[Job], None], settings: Any) -> None:
    """Register work that servers do at intervals; two of one name are an error."""


@hookspec
def breakdowns(register: Callable[[Breakdown], None], settings: Any) -> None:
    """Register how members are counted in reports for partners; two of one kind and name are an error."""


@hookspec
def samples(register: Callable[[Sample], None], settings: Any) -> None:
    """Register what the sample bank has more: partners, programmes, products, and who took them."""
