"""Loads plugins, keeps their health, and hands the engine what they register."""

import hashlib
import importlib.util
import logging
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Final, TypeAlias

import pluggy

from graph.errors import PluginError
from plugins import campus, cobranded, family, hookspecs, shipped, tobacco
from plugins.functions import MARK, FunctionRecommender
from plugins.guard import GuardedGate, GuardedRecommender, Health, is_text, told
from recommenders.artefact import Model
from recommenders.catalogue import Catalogue
from recommenders.contract import BundleRule, Gate, Recommender, Trainable
from recommenders.popularity import Popularity

logger = logging.getLogger("guanxi.plugins")

DEFAULT_PLUGINS: Final = (shipped, campus, tobacco, family, cobranded)
ENTRY_POINTS: Final = "guanxi.plugins"
SHIPPED: Final = "shipped"
BUNDLES: Final = "bundles: "
Loader: TypeAlias = Callable[[], object]


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
    """A plugin: where it is from, and ``loaded``, or ``failing`` or ``broken`` with the error.

    ``failures`` counts what went wrong in its gates and bundles; bundles that failed are asked for again, and the
    plugin is ``loaded`` once they come.
    """

    name: str
    source: str
    state: str = "loaded"
    error: str | None = None
    recommenders: list[str] = field(default_factory=list)
    failures: int = 0

    def note(self, said: str) -> None:
        """Record a failure that leaves the plugin in use."""
        self.state, self.error, self.failures = "failing", said, self.failures + 1


class PluginHost:
    """The plugins of one process."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager("guanxi")
        self._manager.add_hookspecs(hookspecs)
        self.plugins: list[PluginInfo] = []
        self._recommenders: dict[str, tuple[Recommender, PluginInfo]] = {}
        self._gates: list[Gate] = []
        self._health: dict[str, Health] = {}
        self._guarded: dict[str, GuardedRecommender] = {}

    @classmethod
    def load(cls, folders: Sequence[Path] = (), *, shipped: bool = True) -> "PluginHost":
        """Load the shipped plugins, installed ones, and folders' ``.py`` files; a broken one is listed as such."""
        host = cls()
        for module in DEFAULT_PLUGINS if shipped else ():
            host.add(module, module.__name__.rpartition(".")[2], SHIPPED)
        for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
            host._add_loaded(point.name, f"entry point {point.value}", point.load)
        for folder in folders:
            host._add_folder(folder)
        return host

    def add(self, plugin: object, name: str, source: str) -> PluginInfo:
        """Take in a plugin; what it does wrong is recorded, and leaves all others as they were."""
        info = PluginInfo(name, source)
        self.plugins.append(info)
        try:
            self._register(plugin, info)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            self._break(plugin, info, error)
        return info

    def add_path(self, path: Path) -> PluginInfo:
        """Take in the plugin of a ``.py`` file, or of a folder with a ``pyproject.toml``, as ``add`` does."""
        if path.is_dir():
            return self._add_loaded(path.resolve().name, str(path), partial(_package, path))
        return self._add_loaded(path.stem, str(path), partial(_module, path))

    def recommenders(self) -> list[Recommender]:
        """Return every recommender, unguarded and untrained: what training works on."""
        return [recommender for recommender, _ in self._recommenders.values()]

    def guard(self, recommender: Recommender) -> GuardedRecommender:
        """Return a recommender that cannot bring training down; its health is not counted."""
        return GuardedRecommender(recommender, Health(), trusted=self._is_trusted(recommender.name))

    def guarded(self, model: Model | None) -> list[Recommender]:
        """Return what can answer with a model, or without one: each guarded, and with its health kept from before."""
        applied = (
            model.apply(self.recommenders())
            if model
            else [r for r in self.recommenders() if not isinstance(r, Trainable)]
        )
        named = {recommender.name: recommender for recommender in applied}
        for name, (recommender, _) in self._recommenders.items():
            if isinstance(recommender, Popularity):
                named.setdefault(name, recommender)
        self._guarded = {
            name: GuardedRecommender(recommender, self._health[name], trusted=self._is_trusted(name))
            for name, recommender in named.items()
        }
        return list(self._guarded.values())

    def gates(self) -> list[Gate]:
        """Return every gate, the bank's own first."""
        return list(self._gates)

    def bundle_rules(self, catalogue: Catalogue) -> list[BundleRule]:
        """Return the bundle rules for a catalogue; a plugin that fails at this has none until it is asked anew."""
        rules: list[BundleRule] = []
        for plugin in self._manager.get_plugins():
            own: list[BundleRule] = []
            hooks = self._manager.subset_hook_caller("bundles", [p for p in self._manager.get_plugins() if p != plugin])
            try:
                hooks(register=own.append, catalogue=catalogue)
                _check_bundles(own, rules)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
                self._fail_bundles(self._info(plugin), error)
            else:
                self._pass_bundles(self._info(plugin))
                rules += own
        return sorted(rules, key=lambda rule: rule.code)

    def _fail_bundles(self, info: PluginInfo, error: BaseException) -> None:
        info.note(f"{BUNDLES}{told(error)}")
        logger.warning("plugin %s failed: %s%s", info.name, BUNDLES, type(error).__name__, exc_info=error)

    def _pass_bundles(self, info: PluginInfo) -> None:
        if info.error is not None and info.error.startswith(BUNDLES):
            info.state, info.error = "loaded", None

    def infos(self) -> list[RecommenderInfo]:
        """Return the state of every recommender."""
        return [self._recommender_info(name) for name in self._recommenders]

    def _recommender_info(self, name: str) -> RecommenderInfo:
        recommender, plugin = self._recommenders[name]
        health, guarded = self._health[name], self._guarded.get(name)
        state = guarded.state if guarded else "untrained" if isinstance(recommender, Trainable) else "ready"
        return RecommenderInfo(
            name,
            recommender.version,
            plugin.name,
            state,
            health.calls,
            health.failures,
            health.mean_ms,
            health.last_error,
            health.last_place,
        )

    def _register(self, plugin: object, info: PluginInfo) -> None:
        name = f"{info.source}:{info.name}"
        if self._manager.has_plugin(name):
            raise PluginError("it is loaded already")
        marked = (getattr(item, MARK, None) for item in (plugin, *vars(plugin).values()))
        found: list[Recommender] = list(
            {id(own): own for own in marked if isinstance(own, FunctionRecommender)}.values()
        )
        gates: list[Gate] = []
        self._manager.register(plugin, name=name)
        others = [other for other in self._manager.get_plugins() if other != plugin]
        self._manager.subset_hook_caller("recommenders", others)(register=found.append)
        self._manager.subset_hook_caller("gates", others)(register=gates.append)
        _check_all(found, Recommender, "no recommender")
        _check_all(gates, Gate, "no gate")
        taken = {name: other.source for name, (_, other) in self._recommenders.items()}
        for recommender in found:
            if recommender.name in taken:
                source = taken[recommender.name]
                raise PluginError(f"a recommender named {recommender.name!r} is there already, from {source}")
            taken[recommender.name] = info.source
        for recommender in found:
            self._recommenders[recommender.name] = (recommender, info)
            self._health[recommender.name] = Health()
        if info.source == SHIPPED:
            self._gates += gates
        else:
            self._gates += [GuardedGate(gate, info.note) for gate in gates]
        info.recommenders = [recommender.name for recommender in found]

    def _break(self, plugin: object, info: PluginInfo, error: BaseException) -> None:
        info.state, info.error = "broken", told(error)
        name = f"{info.source}:{info.name}"
        if self._manager.get_plugin(name) is plugin:
            self._manager.unregister(name=name)

    def _info(self, plugin: object) -> PluginInfo:
        name = self._manager.get_name(plugin)
        return next(info for info in self.plugins if f"{info.source}:{info.name}" == name)

    def _is_trusted(self, name: str) -> bool:
        return self._recommenders[name][1].source == SHIPPED

    def _add_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            self.plugins.append(PluginInfo(folder.name, str(folder), "broken", "there is no such folder"))
            return
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith(("_", "test_")):
                self.add_path(path)

    def _add_loaded(self, name: str, source: str, load: Loader) -> PluginInfo:
        try:
            plugin = load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - importing a plugin may raise anything
            info = PluginInfo(name, source, "broken", told(error))
            self.plugins.append(info)
            return info
        return self.add(plugin, name, source)


def _check_all(given: Sequence[object], kind: type, none: str) -> None:
    for item in given:
        if not isinstance(item, kind):
            raise PluginError(f"registered {type(item).__name__}, which is {none}")


def _check_bundles(rules: Sequence[BundleRule], others: Sequence[BundleRule]) -> None:
    _check_all(rules, BundleRule, "no bundle rule")
    taken = {rule.code for rule in others}
    for rule in rules:
        if not isinstance(rule.code, str) or rule.code in taken:
            raise PluginError(f"registered a bundle by the code {rule.code!r}, which is no text or is taken")
        taken.add(rule.code)
        if not rule.products or not all(isinstance(code, str) for code in rule.products):
            raise PluginError(f"registered the bundle {rule.code!r}, whose products are no product codes")
        if not is_text(rule.title) or not is_text(rule.benefit):
            raise PluginError(f"registered the bundle {rule.code!r} without a title and benefit in each language")


def _module(path: Path) -> ModuleType:
    name = f"guanxi_plugin_{path.stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _package(folder: Path) -> object:
    """Import what a package's folder declares as its plugin, installed or not."""
    try:
        declared = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        points = declared["project"]["entry-points"][ENTRY_POINTS]
    except (OSError, ValueError, KeyError) as error:
        raise PluginError(f"{folder} has no pyproject.toml with the entry point {ENTRY_POINTS!r}") from error
    if len(points) != 1:
        raise PluginError(f"{folder} declares {len(points)} plugins; name the file of one")
    for source in (folder / "src", folder):
        if source.is_dir() and str(source.resolve()) not in sys.path:
            sys.path.insert(0, str(source.resolve()))
    [(name, value)] = points.items()
    return EntryPoint(name, value, ENTRY_POINTS).load()
