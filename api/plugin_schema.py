"""What plugins add to the schema: all that fits beside the bank's own; what does not is left out, and told."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, get_args

from strawberry.types.field import StrawberryField

from api.plugin_fields import namespace
from api.plugin_types import Prefixed
from graph.errors import PluginError
from plugins.contract import Facts, Field, On
from plugins.failures.telling import placed, told
from plugins.fields.calls import FieldCalls, note_failed
from plugins.fields.checks import check_value, checked_facts, checked_field
from plugins.fields.shapes import Structure
from plugins.host import PluginHost
from plugins.infos import PluginInfo
from recommenders.contract import Reason

logger = logging.getLogger("guanxi.plugins")

Built = TypeVar("Built")
SCHEMA: Final = "schema: "
"""Before what is said of a plugin whose fields do not fit."""


@dataclass(frozen=True)
class Addition:
    """What one plugin adds.

    Attributes:
        names: of its types.
        facts: the types of its reasons' facts, by the dataclasses that they are made of.
    """

    plugin: PluginInfo
    field_name: str
    names: frozenset[str]
    fields: Mapping[str, StrawberryField]
    facts: Mapping[type, tuple[Structure, type]]


@dataclass(frozen=True)
class Additions:
    """What all plugins add; ``owners`` are the plugins by their recommenders."""

    each: Sequence[Addition] = ()
    owners: Mapping[str, PluginInfo] = field(default_factory=dict)

    def fields(self, of: str) -> list[StrawberryField]:
        """Return the fields that a type of the bank has more."""
        return [addition.fields[of] for addition in self.each if of in addition.fields]

    @property
    def types(self) -> list[type]:
        """The types that no field leads to: those of facts."""
        return [made for addition in self.each for _, made in addition.facts.values()]

    def facts(self, reason: Reason) -> object | None:
        """Return a reason's facts, or None where it has none, and where they are none that a plugin registered."""
        if reason.facts is None:
            return None
        try:
            check_value(self._shape(type(reason.facts)), reason.facts, "its facts")
        except (TypeError, ValueError) as error:
            owner = self.owners.get(reason.recommender)
            if owner is not None:
                note_failed(owner, "Offer.typedReasons", error)
            return None
        return reason.facts

    def _shape(self, own: type) -> Structure:
        for addition in self.each:
            if own in addition.facts:
                return addition.facts[own][0]
        raise TypeError(f"{own.__name__} is registered by no hook facts")


def additions(host: PluginHost, own_types: Iterable[str], own_fields: Callable[[On], Iterable[str]]) -> Additions:
    """Return what plugins add to a schema that has types, and fields of a type, already."""
    fields, facts = _by_plugin(host, "fields"), _by_plugin(host, "facts")
    taken, each = set(own_types), list[Addition]()
    for plugin in host.plugins:
        if id(plugin) not in fields | facts:
            continue
        try:
            one = _addition(plugin, fields.get(id(plugin), []), facts.get(id(plugin), []))
            _check_free(one, taken, own_fields, each)
        except Exception as error:  # noqa: BLE001 - whatever does not fit is left out
            _leave_out(plugin, error)
            continue
        taken |= one.names
        each.append(one)
    owners = {recommender.name: plugin for recommender, plugin in host.of("recommenders")}
    return Additions(each, owners)


def fitting(added: Additions, build: Callable[[Additions], Built]) -> Built:
    """Return the schema with what was added; an addition that makes it fail, which nobody foresaw, is left out."""
    try:
        return build(added)
    except Exception:  # noqa: BLE001 - whichever it is, the others stay
        kept = list[Addition]()
        for one in added.each:
            try:
                build(Additions([*kept, one]))
            except Exception as error:  # noqa: BLE001 - as above
                _leave_out(one.plugin, error)
            else:
                kept.append(one)
        return build(Additions(kept, added.owners))


def _leave_out(plugin: PluginInfo, error: Exception) -> None:
    plugin.note(f"{SCHEMA}{told(error)}", placed(error), is_safe=True)
    logger.warning("plugin %s adds nothing to the schema: %s", plugin.name, told(error))


def _by_plugin(host: PluginHost, hook: str) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for item, plugin in host.of(hook):
        found.setdefault(id(plugin), []).append(item)
    return found


def _addition(plugin: PluginInfo, fields: Sequence[Field], facts: Sequence[Facts]) -> Addition:
    types = Prefixed(plugin.name)
    made = {own: (shape, types.facts(shape)) for own, shape in ((one.type, checked_facts(one.type)) for one in facts)}
    calls = [FieldCalls(checked_field(one), plugin) for one in fields]
    own: dict[str, StrawberryField] = {}
    for on in get_args(On):
        of_type = [one for one in calls if one.checked.field.on == on]
        if of_type:
            own[on] = namespace(types, on, of_type)
    names = frozenset({*types.names, *(f"{types.prefix}{on}" for on in own)})
    return Addition(plugin, types.field_name, names, own, made)


def _check_free(
    one: Addition, taken: Iterable[str], own_fields: Callable[[On], Iterable[str]], others: Sequence[Addition]
) -> None:
    same = next((other for other in others if other.field_name == one.field_name), None)
    if same is not None:
        raise PluginError(
            f"the plugin {same.plugin.name}, from {same.plugin.source}, has its fields at {one.field_name}"
        )
    clash = next((name for name in sorted(one.names) if name in taken), None)
    if clash is not None:
        raise PluginError(f"there is a type named {clash} already")
    for on in get_args(On):
        if on in one.fields and one.field_name in own_fields(on):
            raise PluginError(f"{on} has a field named {one.field_name} already")
