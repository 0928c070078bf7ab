"""What one plugin registers, checked: of the right kind, and under names that nobody has taken."""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import ModuleType
from typing import Any, Final

import pluggy
from pydantic import BaseModel

from graph.errors import PluginError, meant
from loaders.sample_parts import Sample
from plugins.about import About
from plugins.contract import Breakdown, Command, Facts, Field, Format, Job
from plugins.fields.checks import check_schema
from plugins.functions import MARK, FunctionRecommender
from plugins.isolation.guard import is_text
from plugins.settings.held import Held
from plugins.settings.models import Model, check_model
from plugins.texts import NO_TEXT, is_utf8
from recommenders.catalogue import Catalogue
from recommenders.contract import BundleRule, Gate, Lever, LifeEvent, Recommender


@dataclass(frozen=True, slots=True)
class Kind:
    """What a hook takes: its type, what an item of another is called, what no two may share, and its texts."""

    type: type
    none: str
    key: Callable[[Any], object] | None = None
    texts: Sequence[str] = ()


KINDS: Final[Mapping[str, Kind]] = {
    "recommenders": Kind(Recommender, "no recommender", lambda item: item.name, ("name", "version")),
    "gates": Kind(Gate, "no gate", texts=("gate", "code")),
    "events": Kind(LifeEvent, "no life event", lambda item: item.code, ("code",)),
    "formats": Kind(Format, "no format", lambda item: item.name),
    "fields": Kind(Field, "no field"),
    "facts": Kind(Facts, "no facts"),
    "commands": Kind(Command, "no command", lambda item: item.name),
    "jobs": Kind(Job, "no job", lambda item: item.name),
    "breakdowns": Kind(Breakdown, "no breakdown", lambda item: (item.kind, item.name), ("kind", "name")),
    "samples": Kind(Sample, "no part of the sample bank", lambda item: item.name),
}
"""By hook; those that need a bank's catalogue are asked when there is one."""
PARSER: Final = pluggy.PluginManager("guanxi")
"""Says of a plugin's attributes which are hooks; no plugin is registered with it."""
HOOKS: Final = ("about", *KINDS, "bundles", "levers")


@dataclass(frozen=True, slots=True)
class Registered:
    """What a plugin has registered, by hook, what it says of itself, and the settings that it runs under."""

    about: About
    items: Mapping[str, Sequence[Any]]
    held: Held | None = None

    @property
    def settings(self) -> BaseModel | None:
        """The values of its settings; None where it has none."""
        return self.held.values if self.held else None

    def of(self, hook: str) -> Sequence[Any]:
        """Return what was registered by a hook."""
        return self.items.get(hook, ())


@dataclass(frozen=True, slots=True)
class Rules:
    """What plugins make of a bank's catalogue."""

    bundles: list[BundleRule] = field(default_factory=list)
    levers: list[Lever] = field(default_factory=list)


def registered(
    manager: pluggy.PluginManager,
    plugin: object,
    hold: Callable[[Model], Held],
    know: Callable[[About], None] = lambda _: None,
) -> Registered:
    """Ask a plugin, which the manager has, for all that needs no catalogue; ``hold`` finds its settings.

    ``know`` is told what the plugin says of itself before it registers anything.

    Raises:
        PluginError: it is for another version, its settings are wrong, it registers something of the wrong kind, or a
            hook of it is not marked.
    """
    _check_marked(plugin)
    own = alone(manager, "about", plugin)() or About()
    if not isinstance(own, About):
        raise PluginError(f"says of itself {type(own).__name__}, which is no About")
    _check_texts(own, ("version", "api", "owner"), "its")
    know(own)
    own.check()
    held = _held(own, hold)
    settings = held.values if held else None
    items: dict[str, list[Any]] = {"recommenders": _marked(plugin)}
    for hook, kind in KINDS.items():
        found = items.setdefault(hook, [])
        alone(manager, hook, plugin)(register=found.append, settings=settings)
        check_all(found, kind)
    check_schema(items["fields"], items["facts"])
    items["recommenders"] = [_under(settings, recommender) for recommender in items["recommenders"]]
    return Registered(own, items, held)


def _check_marked(plugin: object) -> None:
    """Return if all that is meant for a hook is one: pluggy passes over what is not marked, and says nothing."""
    for name, hook in _hooks_in(plugin):
        if hook not in HOOKS:
            near = meant(get_close_matches(hook, HOOKS))
            raise PluginError(f"{name} is below @hookimpl, and there is no hook {hook!r}.{near}")
    for hook in HOOKS:
        if _is_meant(plugin, hook) and PARSER.parse_hookimpl_opts(plugin, hook) is None:
            raise PluginError(f"{hook} has a hook's name and is none: make it a function below @hookimpl, or rename it")


def is_plugin(plugin: object) -> bool:
    """Whether anything of an object is meant for a plugin: a hook, or a function below ``@recommender``."""
    is_meant = any(_is_meant(plugin, hook) for hook in HOOKS)
    return is_meant or bool(_marked(plugin)) or any(True for _ in _hooks_in(plugin))


def _hooks_in(plugin: object) -> Iterator[tuple[str, str]]:
    """Yield what is below ``@hookimpl``, with the hook that it is for; but for hooks that need not be there."""
    for name in vars(plugin) if isinstance(plugin, ModuleType) else dir(type(plugin)):
        marked = PARSER.parse_hookimpl_opts(plugin, name)
        if marked is not None and not marked.get("optionalhook"):
            yield name, marked.get("specname") or name


def _is_meant(plugin: object, hook: str) -> bool:
    named = getattr(plugin, hook, None)
    return isinstance(named, About) or inspect.isroutine(named)


def alone(manager: pluggy.PluginManager, hook: str, plugin: object) -> pluggy.HookCaller:
    """Return a caller of one plugin's hook."""
    return manager.subset_hook_caller(hook, [other for other in manager.get_plugins() if other != plugin])


def check_free(new: Registered, others: Sequence[tuple[str, Registered]]) -> None:
    """Return if no two of one kind share a name; ``others`` with where they are from.

    Raises:
        PluginError: two do.
    """
    for hook, kind in KINDS.items():
        if kind.key is None:
            continue
        taken = {kind.key(item): source for source, other in others for item in other.of(hook)}
        for item in new.of(hook):
            key, what = kind.key(item), kind.none.removeprefix("no ")
            if key in taken:
                raise PluginError(f"a {what} named {key!r} is there already, from {taken[key]}")
            taken[key] = "this plugin"


def check_all(given: Sequence[object], kind: Kind) -> None:
    """Return if all are of a kind, and UTF-8 can say their texts.

    Raises:
        PluginError: one is not, or it cannot.
    """
    for item in given:
        if not isinstance(item, kind.type):
            raise PluginError(f"registered {type(item).__name__}, which is {kind.none}")
        _check_texts(item, kind.texts, f"registered a {kind.none.removeprefix('no ')} whose")


def rules_of(manager: pluggy.PluginManager, plugin: object, catalogue: Catalogue, settings: BaseModel | None) -> Rules:
    """Return a plugin's bundle rules and levers for a catalogue; raises whatever it does.

    Raises:
        PluginError: it registers something else.
    """
    bundles: list[BundleRule] = []
    levers: list[Lever] = []
    alone(manager, "bundles", plugin)(register=bundles.append, catalogue=catalogue, settings=settings)
    alone(manager, "levers", plugin)(register=levers.append, catalogue=catalogue, settings=settings)
    check_all(bundles, Kind(BundleRule, "no bundle rule"))
    check_all(levers, Kind(Lever, "no lever", texts=("name",)))
    return Rules(bundles, levers)


def check_bundles(rules: Sequence[BundleRule], others: Sequence[BundleRule]) -> None:
    """Return if bundle rules can be offered beside others.

    Raises:
        PluginError: a code is taken, or a rule has no products or texts.
    """
    taken = {rule.code for rule in others}
    for rule in rules:
        if not isinstance(rule.code, str) or not is_utf8(rule.code) or rule.code in taken:
            raise PluginError(f"registered a bundle by the code {rule.code!r}, which is no text or is taken")
        taken.add(rule.code)
        if not rule.products or not all(isinstance(code, str) for code in rule.products):
            raise PluginError(f"registered the bundle {rule.code!r}, whose products are no product codes")
        if not is_text(rule.title) or not is_text(rule.benefit):
            raise PluginError(f"registered the bundle {rule.code!r} without a title and benefit in each language")


def check_levers(levers: Sequence[Lever]) -> None:
    """Return if each lever's factors are finite numbers that are not negative.

    Raises:
        PluginError: one is not.
    """
    for lever in levers:
        for code, factor in lever.factors.items():
            if not isinstance(factor, int | float) or not 0 <= factor < math.inf:
                raise PluginError(f"registered the lever {lever.name!r}, whose factor of {code!r} is {factor!r}")


def _check_texts(own: object, names: Sequence[str], whose: str) -> None:
    for name in names:
        text = getattr(own, name)
        if isinstance(text, str) and not is_utf8(text):
            raise PluginError(f"{whose} {name} {text!r} has {NO_TEXT}")


def _marked(plugin: object) -> list[Recommender]:
    marked = (getattr(item, MARK, None) for item in (plugin, *getattr(plugin, "__dict__", {}).values()))
    return list({id(own): own for own in marked if isinstance(own, FunctionRecommender)}.values())


def _held(about: About, hold: Callable[[Model], Held]) -> Held | None:
    if about.settings is None:
        return None
    check_model(about.settings)
    return hold(about.settings)


def _under(settings: BaseModel | None, recommender: Recommender) -> Recommender:
    return recommender.under(settings) if isinstance(recommender, FunctionRecommender) else recommender
