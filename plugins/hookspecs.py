"""Everything a plugin can add, in one place. Every hook but ``about`` is given a callback to register with."""

from collections.abc import Callable

import pluggy

from plugins.about import About
from plugins.contract import Command, Field, Format, Job
from recommenders.catalogue import Catalogue
from recommenders.contract import BundleRule, Gate, Lever, LifeEvent, Recommender

hookspec = pluggy.HookspecMarker("guanxi")
hookimpl = pluggy.HookimplMarker("guanxi")


@hookspec(firstresult=True)
def about() -> About | None:
    """Say what the plugin is: version, owner, permissions, settings, and versions of the plugin API it is for."""


@hookspec
def recommenders(register: Callable[[Recommender], None]) -> None:
    """Register recommenders; two of one name are an error."""


@hookspec
def gates(register: Callable[[Gate], None]) -> None:
    """Register gates; they come after the bank's own."""


@hookspec
def levers(register: Callable[[Lever], None], catalogue: Catalogue) -> None:
    """Register levers, factors by which the business weighs products of a bank's catalogue."""


@hookspec
def bundles(register: Callable[[BundleRule], None], catalogue: Catalogue) -> None:
    """Register bundle rules over a bank's catalogue."""


@hookspec
def events(register: Callable[[LifeEvent], None]) -> None:
    """Register events of customers' lives, such as a graduation; two of one code are an error."""


@hookspec
def formats(register: Callable[[Format], None]) -> None:
    """Register ways in which a bank's files are written, for ``guanxi load``; two of one name are an error."""


@hookspec
def fields(register: Callable[[Field], None]) -> None:
    """Register fields of the GraphQL schema; they stand there under the plugin's prefix."""


@hookspec
def commands(register: Callable[[Command], None]) -> None:
    """Register commands of the command line; two of one name are an error."""


@hookspec
def jobs(register: Callable[[Job], None]) -> None:
    """Register work that servers do at intervals; two of one name are an error."""
