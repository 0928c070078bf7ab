"""What of the plugin API will go: told with each use, since when, until when, and what to use instead."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from typing import Final

from dateutil.relativedelta import relativedelta
from packaging.version import Version

from recommenders.recording import recorded

KEPT: Final = relativedelta(months=12)
"""How long what is deprecated stays at the least."""


class GuanxiDeprecationWarning(DeprecationWarning):
    """A plugin uses something that will go."""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """What will go.

    Attributes:
        what: a name of ``guanxi``, a hook, or an argument of one.
        since: the first version of the plugin API that says so.
        said_on: the day on which that version appeared.
        removed_in: the version that has it no more.
        instead: what to use.

    Raises:
        ValueError: it would go with a version by which no plugin has to change.
    """

    what: str
    since: str
    said_on: date
    removed_in: str
    instead: str

    def __post_init__(self) -> None:
        if Version(self.removed_in).major <= Version(self.since).major:
            raise ValueError(f"{self.what} cannot go with {self.removed_in}: it was there in {self.since}")

    @property
    def warning(self) -> GuanxiDeprecationWarning:
        """The warning, for ``warn``, and for pluggy's ``warn_on_impl`` and ``warn_on_impl_args``."""
        return GuanxiDeprecationWarning(
            f"{self.what} is deprecated since plugin API {self.since} and goes with {self.removed_in}, not before "
            f"{self.said_on + KEPT}; use {self.instead}"
        )


NAMES: Final[Mapping[str, tuple[Deprecation, str]]] = {}
"""Names of ``guanxi`` that will go, each with the module that has it."""


def deprecated_name(name: str, names: Mapping[str, tuple[Deprecation, str]] = NAMES) -> object:
    """Return what a name of ``guanxi`` that will go stands for, and warn who asked for it.

    Raises:
        AttributeError: there is no such name.
    """
    if name not in names:
        raise AttributeError(f"module 'guanxi' has no attribute {name!r}")
    deprecation, module = names[name]
    warnings.warn(deprecation.warning, stacklevel=3)
    return getattr(import_module(module), name)


@contextmanager
def heard(told: list[str]) -> Iterator[None]:
    """Collect what is told of deprecations, each once; it is told all the same."""
    with recorded() as caught:
        warnings.simplefilter("always", GuanxiDeprecationWarning)
        yield
    for one in caught:
        if isinstance(one.message, GuanxiDeprecationWarning) and str(one.message) not in told:
            told.append(str(one.message))
        warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
