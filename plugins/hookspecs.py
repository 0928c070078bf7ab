"""Everything a plugin can add, in one place. Every hook is given a callback to register with, and the catalogue."""

from collections.abc import Callable

import pluggy

from recommenders.catalogue import Catalogue
from recommenders.contract import BundleRule, Gate, Recommender

hookspec = pluggy.HookspecMarker("guanxi")
hookimpl = pluggy.HookimplMarker("guanxi")


@hookspec
def recommenders(register: Callable[[Recommender], None]) -> None:
    """Register recommenders; two of one name are an error."""


@hookspec
def gates(register: Callable[[Gate], None]) -> None:
    """Register gates; they come after the bank's own."""


@hookspec
def bundles(register: Callable[[BundleRule], None], catalogue: Catalogue) -> None:
    """Register bundle rules over a bank's catalogue."""
