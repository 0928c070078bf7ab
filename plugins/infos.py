"""What a host knows of its plugins: how each is loaded, and how its recommenders fare."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel

from graph.errors import GuanxiError
from graph.words import PluginStage
from plugins.about import About
from plugins.failures.telling import is_raised_by_us
from plugins.registration import Registered
from plugins.settings.held import setting_name
from plugins.settings.models import secrets

SHIPPED: Final = "shipped"
"""The source of what guanxi ships."""


@dataclass(frozen=True, slots=True)
class RecommenderInfo:
    """A recommender's state: ready, failing, off, busy, or untrained.

    ``last_error`` may quote a customer; ``last_place`` is the error's type and place, and what guanxi itself
    says of it. ``is_outdated`` says that it answers by what another text of its version learnt.
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
    is_outdated: bool


@dataclass(frozen=True, slots=True)
class Untrained:
    """A recommender that has no say with a model, why, and whose it is; ``has_failed`` if a training failed."""

    name: str
    why: str
    plugin: "PluginInfo"
    has_failed: bool


@dataclass(slots=True)
class PluginInfo:
    """A plugin: where it is from, who answers for it, and ``loaded``, or ``failing`` or ``broken`` with the error.

    ``failures`` counts what went wrong in its gates, bundles and levers; bundles and levers that failed are asked for
    again, and the plugin is ``loaded`` once they come. ``settings_version`` is the version of what staff has set of it,
    0 where nothing is, and None where it has no settings; ``deprecations``, what it uses that will go; ``untrained``,
    where lists tell it, which of its recommenders have no say with the model in force, and why; ``outdated``, there
    too, which of them have one by what another text of it learnt; ``holds_back``, there too, the products that are held
    back for want of it, and its stage, with the percent of the customers that a share has; ``is_safe``, whether no
    customer was seen when the error was raised; ``digest``, where it learns, that of its text.
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
    outdated: list[str] = field(default_factory=list)
    holds_back: list[str] = field(default_factory=list)
    stage: PluginStage | None = None
    share: int | None = None
    is_safe: bool = False
    digest: str | None = None
    _has_secrets: bool = False

    @property
    def told(self) -> str | None:
        """What is wrong, where no customer was seen: all else may quote one."""
        return self.error if self.is_safe else None

    @property
    def key(self) -> str:
        """What it is known by where names may be alike: where it is from, and its name."""
        return f"{self.source}:{self.name}"

    def note(self, said: str, place: str | None = None, *, is_safe: bool = False) -> None:
        """Record a failure that leaves the plugin in use; ``place`` quotes none."""
        self.failures += 1
        self.fail(said, place, is_safe=is_safe)

    def fail(self, said: str, place: str | None = None, *, is_safe: bool = False) -> None:
        """Take it for failing, as it was noted before."""
        self.state, self.error, self.last_place, self.is_safe = "failing", said, place, is_safe

    def mend(self, at: str) -> None:
        """Take it for loaded if it failed last at this, which what was said of it begins with."""
        if self.error is not None and self.error.startswith(f"{at}: "):
            self.state, self.error, self.last_place = "loaded", None, None

    def break_(self, said: str, place: str | None = None, *, is_safe: bool = True) -> None:
        """Record that it cannot be used, before any customer was seen."""
        self.state, self.error, self.last_place, self.is_safe = "broken", said, place, is_safe

    def know(self, about: About) -> None:
        """Take note of what a plugin says of itself."""
        self.version, self.api, self.owner = about.version, about.api, about.owner
        model = about.settings
        self._has_secrets = isinstance(model, type) and issubclass(model, BaseModel) and bool(secrets(model))

    def is_safe_before_customers(self, error: BaseException) -> bool:
        """Whether an error that was raised before any customer was seen quotes no secret, either: ours never do."""
        return not self._has_secrets or (isinstance(error, GuanxiError) and is_raised_by_us(error))


def spelt(asked: str, names: Iterable[str]) -> str:
    """Return the name of a plugin that is asked for, in which ``-`` and ``_`` are the same; itself where none is."""
    there = list(names)
    alike = (name for name in there if setting_name(name) == setting_name(asked))
    return asked if asked in there else next(alike, asked)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A plugin in use, and what it has registered."""

    info: PluginInfo
    plugin: object
    registered: Registered
