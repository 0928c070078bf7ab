"""Loads plugins, and hands the engine what they register."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar, cast

import pluggy

from graph.errors import NotFound, PluginError
from graph.records import StoredSettings
from plugins import (
    campus,
    cobranded,
    family,
    hookspecs,
    sample_bank,
    shipped,
    shipped_commands,
    shipped_events,
    shipped_formats,
    shipped_jobs,
    tobacco,
)
from plugins.contributions import Contributions
from plugins.deprecation import heard
from plugins.failures.failure import LOADING, RULES, SETTINGS, Asked
from plugins.failures.reports import NOWHERE as UNREPORTED
from plugins.failures.reports import FailureReports
from plugins.failures.telling import Foreign, placed, told
from plugins.infos import SHIPPED, Loaded, PluginInfo, spelt
from plugins.isolation.guard import GuardedGate
from plugins.isolation.modes import THREADS, Isolation
from plugins.isolation.moving import moved
from plugins.isolation.threads import Apart
from plugins.isolation.workers import START_SECONDS, Worker
from plugins.loading import Found, digest_of, find, is_twin, of_path
from plugins.narrowing import narrowed
from plugins.recommending import Recommending
from plugins.registration import Registered, Rules, check_bundles, check_free, check_levers, registered, rules_of
from plugins.replacing import add_again
from plugins.settings.held import NOWHERE, Held, Sources, held, setting_name
from plugins.settings.models import Model as SettingsModel
from recommenders.catalogue import Catalogue
from recommenders.contract import Gate, Recommender, Trainable

T = TypeVar("T")

logger = logging.getLogger("guanxi.plugins")

COMMAND_PLUGINS: Final = (shipped_commands, shipped_formats, shipped_jobs)
"""What the command line is made of; to load them imports none of the engine's libraries."""
DEFAULT_PLUGINS: Final = (shipped, campus, tobacco, family, cobranded, sample_bank, shipped_events, *COMMAND_PLUGINS)
IMPORT_SECONDS: Final = START_SECONDS
"""How long a plugin may take to be imported, and then to register."""
ENDLESS: Final = "TimeoutError: "
"""What is told of one that takes longer begins with it."""


class PluginHost:
    """The plugins of one process."""

    def __init__(
        self,
        sources: Sources = NOWHERE,
        isolation: Isolation = THREADS,
        reports: FailureReports = UNREPORTED,
    ) -> None:
        self._sources = sources
        self._stored: Mapping[str, StoredSettings] = {}
        self._isolation = isolation
        self.reports = reports
        self._workers: dict[str, Worker] = {}
        self._manager = pluggy.PluginManager("guanxi")
        self._manager.add_hookspecs(hookspecs)
        self.folders: Sequence[Path] = ()
        self.plugins: list[PluginInfo] = []
        self.loaded: list[Loaded] = []
        self.recommending = Recommending(self.loaded, reports)
        self._failed_events: set[tuple[str, str]] = set()
        """Life events that were said to fail, by plugin."""
        self._owners: dict[str, str | None] = {}
        """Of plugins that another version may take the place of, which may be too broken to say whose it is."""

    @classmethod
    def load(
        cls,
        folders: Sequence[Path] = (),
        *,
        shipped: Sequence[ModuleType] = DEFAULT_PLUGINS,
        without: Collection[str] = (),
        sources: Sources = NOWHERE,
        isolation: Isolation = THREADS,
        reports: FailureReports = UNREPORTED,
    ) -> "PluginHost":
        """Load the shipped plugins, installed ones but for those named in ``without``, and folders' ``.py`` files.

        A broken one is listed as such.
        """
        host = cls(sources, isolation, reports)
        host._add_shipped(shipped)
        host.folders = tuple(folders)
        for found in find(folders, without):
            host.add_found(found)
        return host

    @classmethod
    def of_shipped(cls, shipped: Sequence[ModuleType] = DEFAULT_PLUGINS, sources: Sources = NOWHERE) -> "PluginHost":
        """Load shipped plugins alone."""
        host = cls(sources)
        host._add_shipped(shipped)
        return host

    def add(self, plugin: object, name: str, source: str, module: str | None = None) -> PluginInfo:
        """Take in a plugin; what it does wrong is recorded, and leaves all others as they were.

        It takes the place of what is installed of the same module, unless it is broken.
        """
        own = _module_of(plugin) if module is None else module
        twins = [other.key for other in self.plugins if is_twin(own, source, other.source)]
        info = add_again(self, twins, partial(self._added, plugin, PluginInfo(name, source)))
        if info not in self.plugins:
            self.plugins.append(info)
        return info

    def _added(self, plugin: object, info: PluginInfo) -> PluginInfo:
        self.plugins.append(info)
        try:
            self._register(plugin, info)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            self._break(info, error)
            if self._manager.get_plugin(info.key) is plugin:
                self._manager.unregister(name=info.key)
        return info

    def add_path(self, path: Path) -> PluginInfo:
        """Take in the plugin of a ``.py`` file, or of a folder with a ``pyproject.toml``, as ``add`` does."""
        return self.add_found(of_path(path))

    def add_found(self, found: Found) -> PluginInfo:
        """Take in a plugin that is to be imported, as ``add`` does."""
        used = list[str]()
        try:
            with heard(used):
                self._load_apart(found)
                plugin = Apart(found.name).call(IMPORT_SECONDS, found.load)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - importing a plugin may raise anything
            info = PluginInfo(found.name, found.source, deprecations=used)
            self._break(info, error)
            self.plugins.append(info)
        else:
            info = self.add(plugin, found.name, found.source, found.module)
            info.deprecations[:0] = used
        if info.state == "broken" and (worker := self._workers.pop(info.key, None)):
            worker.close()
        return info

    def leave(self, found: Found) -> None:
        """Do without a plugin, and without what is installed of the same module."""
        for info in list(self.plugins):
            if info.key == found.key or is_twin(found.module, found.source, info.source):
                self._take_out(info)

    def beside(self) -> "PluginHost":
        """Return a host without plugins, for the same folders and settings."""
        other = PluginHost(self._sources, self._isolation, self.reports)
        other.folders, other._stored = self.folders, self._stored
        other.recommending.warned = self.recommending.warned
        return other

    def keep(self, loaded: Loaded, other: "PluginHost") -> None:
        """Take in a plugin as another host has it: the same objects, with their health, and its process if any."""
        info = loaded.info
        self._manager.register(loaded.plugin, name=info.key)
        self.plugins.append(info)
        self.loaded.append(loaded)
        self.recommending.keep(info.recommenders, other.recommending)
        self._failed_events |= {own for own in other._failed_events if own[0] == info.key}
        if info.key in other._workers:
            self._workers[info.key] = other._workers[info.key]

    def drop(self, info: PluginInfo) -> Worker | None:
        """Do without a plugin; return its process, which goes on for other hosts."""
        if self._manager.has_plugin(info.key):
            self._manager.unregister(name=info.key)
        self._owners[info.key] = info.owner
        self.plugins.remove(info)
        self.loaded[:] = [own for own in self.loaded if own.info is not info]
        return self._workers.pop(info.key, None)

    def sort(self, keys: Sequence[str]) -> None:
        """Have plugins in the order of keys."""
        places = {key: place for place, key in enumerate(keys)}
        self.plugins.sort(key=lambda info: places[info.key])
        self.loaded.sort(key=lambda own: places[own.info.key])

    @property
    def workers(self) -> set[Worker]:
        """The processes of its plugins, of which other hosts may have some."""
        return set(self._workers.values())

    def of(self, hook: str) -> Iterator[tuple[Any, PluginInfo]]:
        """Yield all that was registered by a hook, and by whom."""
        for loaded in self.loaded:
            for item in loaded.registered.of(hook):
                yield item, loaded.info

    def is_first_failure(self, event: str, info: PluginInfo) -> bool:
        """Return whether a plugin's life event was never said to fail before; from now on it was."""
        is_first = (info.key, event) not in self._failed_events
        self._failed_events.add((info.key, event))
        return is_first

    def take_settings(self, stored: Mapping[str, StoredSettings]) -> bool:
        """Have plugins run under what staff has set at run time, by plugin; return whether it changed for any.

        Hooks of a plugin whose settings changed are called anew. It is broken, with nothing registered, while they
        cannot be.
        """
        before, self._stored = self._stored, stored
        changed = False
        for index, loaded in enumerate(self.loaded):
            name = loaded.info.name
            if loaded.registered.about.settings is not None and before.get(name) != stored.get(name):
                self.loaded[index] = replace(loaded, registered=self._reset(loaded))
                changed = True
        return changed

    def named(self, plugin: str) -> PluginInfo:
        """Return a plugin that has settings, by its name, in which ``-`` and ``_`` are the same.

        Raises:
            NotFound: there is none of that name.
        """
        return self._named(plugin).info

    def settings_of(self, plugin: str, stored: Mapping[str, Any]) -> Held:
        """Return a plugin's settings as they are under what staff has set at run time.

        Raises:
            NotFound: there is no plugin of that name that has settings.
            WrongSetting: they cannot be.
        """
        loaded = self._named(plugin)
        model = cast(SettingsModel, loaded.registered.about.settings)
        return self._held(loaded.info.name, stored, model)

    def try_settings(self, plugin: str, stored: Mapping[str, Any]) -> None:
        """Return if a plugin can run under what staff would set; raises as ``settings_of``, and whatever it does."""
        self._registered_anew(self._named(plugin), stored)

    def recommenders(self) -> list[Recommender]:
        """Return every recommender, unguarded and untrained: what training works on."""
        return [recommender for recommender, _ in self.of("recommenders")]

    def gates(self) -> list[Gate]:
        """Return every gate, the bank's own first."""
        return [gate for gate, _ in self._guarded_gates()]

    def rules(self, catalogue: Catalogue) -> Rules:
        """Return the bundles and levers of all plugins for a catalogue."""
        return self.contributions(catalogue).rules()

    def contributions(self, catalogue: Catalogue, among: Collection[str] | None = None) -> Contributions:
        """Return what all plugins, or those of some names, add to engines for a catalogue, whichever have it.

        A plugin that fails at bundles or levers has none until it is asked anew.
        """
        rules = list[tuple[Rules, PluginInfo]]()
        for loaded in self.loaded:
            if loaded.info.state == "broken" or (among is not None and loaded.info.name not in among):
                continue
            try:
                rules.append((self.try_rules(loaded, catalogue), loaded.info))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
                self._fail_rules(catalogue, loaded.info, error)
            else:
                loaded.info.mend(RULES)
        return Contributions(self._guarded_gates(), rules, partial(self._fail_rules, catalogue))

    def try_rules(self, loaded: Loaded, catalogue: Catalogue) -> Rules:
        """Return a plugin's bundles and levers for a catalogue; raises whatever it does, and PluginError."""
        own = _in_time(loaded.info, rules_of, self._manager, loaded.plugin, catalogue, loaded.registered.settings)
        check_bundles(own.bundles, ())
        check_levers(own.levers)
        return own

    def _guarded_gates(self) -> list[tuple[Gate, PluginInfo]]:
        return [
            (gate if info.source == SHIPPED else self._guarded_gate(gate, info), info)
            for gate, info in self.of("gates")
        ]

    def _guarded_gate(self, gate: Gate, info: PluginInfo) -> Gate:
        return GuardedGate(gate, info.note, report=self.reports.of(info, "gates", gate.code))

    def _register(self, plugin: object, info: PluginInfo) -> None:
        if self._manager.has_plugin(info.key) or self._manager.is_registered(plugin):
            raise PluginError("it is loaded already")
        with heard(info.deprecations):
            self._manager.register(plugin, name=info.key)
        now = self._stored.get(info.name, StoredSettings(info.name))
        own = self._registered(info, plugin, partial(self._held, info.name, now.settings))
        check_free(own, [(loaded.info.source, loaded.registered) for loaded in self.loaded])
        if own.held is not None:
            self._check_named_once(info)
            info.settings_version = now.version
        self.loaded.append(Loaded(info, plugin, own))
        info.recommenders = [recommender.name for recommender in own.of("recommenders")]
        if info.source != SHIPPED and any(isinstance(item, Trainable) for item in own.of("recommenders")):
            info.digest = digest_of(info.source)
        self.recommending.begin(info.recommenders)

    def _take_out(self, info: PluginInfo) -> None:
        if worker := self.drop(info):
            worker.close()

    def _registered(self, info: PluginInfo, plugin: object, hold: Callable[[SettingsModel], Held]) -> Registered:
        """What a plugin registers, kept apart unless it is shipped; it is shown no more than it may see."""
        own = _in_time(info, registered, self._manager, plugin, hold, info.know)
        if info.source != SHIPPED:
            own = _in_time(info, moved, own, self._workers.get(info.key), self._isolation)
        return narrowed(own)

    def _named(self, plugin: str) -> Loaded:
        there = {own.info.name: own for own in self.loaded if own.registered.about.settings is not None}
        found = there.get(spelt(plugin, there))
        if found is None:
            broken = {info.name for info in self.plugins if info.state == "broken"}
            why = ": it is broken, and guanxi plugins says by what" if spelt(plugin, broken) in broken else ""
            raise NotFound("plugin with settings", plugin, get_close_matches(plugin, there), why)
        return found

    def _held(self, name: str, stored: Mapping[str, Any], model: SettingsModel) -> Held:
        return held(name, model, self._sources, stored)

    def _reset(self, loaded: Loaded) -> Registered:
        info = loaded.info
        now = self._stored.get(info.name, StoredSettings(info.name))
        info.settings_version = now.version
        try:
            own = self._registered_anew(loaded, now.settings)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            self._break(info, error, SETTINGS)
            logger.warning("plugin %s is broken: %s: %s", info.name, SETTINGS, type(error).__name__)
            return Registered(loaded.registered.about, {})
        info.mend(SETTINGS)
        return own

    def _registered_anew(self, loaded: Loaded, stored: Mapping[str, Any]) -> Registered:
        info = loaded.info
        hold = partial(self._held, info.name, stored)
        own = self._registered(info, loaded.plugin, hold)
        names = [recommender.name for recommender in own.of("recommenders")]
        if sorted(names) != sorted(info.recommenders):
            raise PluginError(f"under them its recommenders would be {names}, and names must stay: {info.recommenders}")
        check_free(own, [(other.info.source, other.registered) for other in self.loaded if other.info is not info])
        return own

    def _check_named_once(self, info: PluginInfo) -> None:
        for other in self.loaded:
            if other.info.settings_version is not None and setting_name(other.info.name) == setting_name(info.name):
                raise PluginError(
                    f"a plugin named {other.info.name!r} with settings is there, from {other.info.source}"
                )

    def _break(self, info: PluginInfo, error: BaseException, at: str = LOADING) -> None:
        is_safe = info.is_safe_before_customers(error)
        info.break_(told(error) if at == LOADING else f"{at}: {told(error)}", placed(error), is_safe=is_safe)
        info.owner = info.owner or self._owners.get(info.key)
        self.reports.tell(info, at, info.name, error, Asked.of(is_safe=is_safe))

    def _fail_rules(self, catalogue: Catalogue, info: PluginInfo, error: BaseException) -> None:
        is_safe = info.is_safe_before_customers(error)
        info.note(f"{RULES}: {told(error)}", placed(error), is_safe=is_safe)
        logger.warning("plugin %s failed: %s: %s", info.name, RULES, placed(error))
        self.reports.tell(info, RULES, info.name, error, Asked.of(products=catalogue, is_safe=is_safe))

    def _add_shipped(self, modules: Sequence[ModuleType]) -> None:
        for module in modules:
            self.add(module, module.__name__.rpartition(".")[2], SHIPPED)

    def _load_apart(self, found: Found) -> None:
        """Start the process of a plugin, which it can be imported in, or else is not imported here."""
        if self._isolation.mode == "process" and found.key not in self._workers:
            worker = Worker(found, self._isolation.memory_mb)
            worker.load()
            self._workers[found.key] = worker

    def wait(self) -> None:
        """Wait for processes of plugins that are being started; one that does not come is told of when it is asked."""
        for worker in self._workers.values():
            with suppress(Foreign, TimeoutError):
                worker.wait()

    def close(self) -> None:
        """End the processes of plugins; one that is asked again is started again."""
        for worker in self._workers.values():
            worker.close()


def _in_time(info: PluginInfo, function: Callable[..., T], *arguments: Any) -> T:
    """What a function of a plugin's hooks gives; raises TimeoutError where it never ends, unless it is ours."""
    return (
        function(*arguments) if info.source == SHIPPED else Apart(info.name).call(IMPORT_SECONDS, function, *arguments)
    )


def _module_of(plugin: object) -> str:
    """The module that a plugin is, or is of."""
    of = plugin if isinstance(plugin, ModuleType) or hasattr(plugin, "__name__") else type(plugin)
    return str(getattr(of, "__name__" if isinstance(of, ModuleType) else "__module__", ""))
