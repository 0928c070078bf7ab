"""What a host knows of its plugins: how each is loaded, and how its recommenders fare."""

from dataclasses import dataclass, field
from typing import Final

from plugins.registration import Registered

SHIPPED: Final = "shipped"
"""The source of what guanxi ships."""


@dataclass(frozen=True, slots=True)
class RecommenderInfo:
    """A recommender's state: ready, failing, off, busy, or untrained.

    ``last_error`` may quote a customer; ``last_place`` is the error's type and place alone.
    """

    name: str
    version: str
    plugin: str
    state: str
    calls: int
    failures: int
    mean_ms: float
    last_error: str | None
    last_place: str | None


@dataclass(slots=True)
class PluginInfo:
    """A plugin: where it is from, who answers for it, and ``loaded``, or ``failing`` or ``broken`` with the error.

    ``failures`` counts what went wrong in its gates, bundles and levers; bundles and levers that failed are asked for
    again, and the plugin is ``loaded`` once they come. ``settings_version`` is the version of what staff has set of it,
    0 where nothing is, and None where it has no settings; ``deprecations``, what it uses that will go; ``untrained``,
    where lists tell it, which of its recommenders have no say with the model in force, and why.
    """

    name: str
    source: str
    state: str = "loaded"
    error: str | None = None
    recommenders: list[str] = field(default_factory=list)
    failures: int = 0
    settings_version: int | None = None
    deprecations: list[str] = field(default_factory=list)
    version: str | None = None
    api: str | None = None
    owner: str | None = None
    last_place: str | None = None
    untrained: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """What it is known by where names may be alike: where it is from, and its name."""
        return f"{self.source}:{self.name}"

    def note(self, said: str, place: str | None = None) -> None:
        """Record a failure that leaves the plugin in use; ``place`` is its type and place alone."""
        self.state, self.error, self.failures, self.last_place = "failing", said, self.failures + 1, place


@dataclass(frozen=True, slots=True)
class Loaded:
    """A plugin in use, and what it has registered."""

    info: PluginInfo
    plugin: object
    registered: Registered
