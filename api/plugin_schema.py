"""What plugins add to the schema: all that fits beside the bank's own; what does not is left out, and told.

Where a changed plugin's new fields do not fit, those that it had go on.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final, TypeVar, get_args

from strawberry.types.field import StrawberryField

from api.plugin_fields import namespace
from api.plugin_types import Prefixed
from graph.errors import PluginError
from plugins.contract import Facts, Field, On
from plugins.failures.failure import SCHEMA, Asked
from plugins.failures.reports import NOWHERE, FailureReports
from plugins.failures.telling import placed, told
from plugins.fields.calls import FieldCalls, note_failed
from plugins.fields.carrying import packed, unpacked
from plugins.fields.checks import check_value, checked_facts, checked_field
from plugins.fields.shapes import Structure
from plugins.host import PluginHost
from plugins.infos import Loaded, PluginInfo
from recommenders.contract import Reason

logger = logging.getLogger("guanxi.plugins")

Built = TypeVar("Built")
STAY: Final = "what it added before stays: "
REASONS: Final = "Offer.typedReasons"


@dataclass(frozen=True, eq=False)
class Addition:
    """What one plugin adds.

    Attributes:
        facts: the types of its reasons' facts, by the dataclasses that they are made of.
        made_of: what the plugin registered.
        calls: its fields, as they are asked.
    """

    plugin: PluginInfo
    field_name: str
    fields: Mapping[str, StrawberryField]
    facts: Mapping[type, tuple[Structure, type]]
    made_of: Sequence[Field | Facts] = ()
    calls: Sequence[FieldCalls] = ()

    def kept(self, plugin: PluginInfo) -> "Addition":
        """Return it as what another version of the plugin adds, with which its failures are counted."""
        if plugin is self.plugin:
            return self
        for calls in self.calls:
            calls.plugin = plugin
        return replace(self, plugin=plugin)


@dataclass(frozen=True, eq=False)
class Additions:
    """What all plugins add.

    Attributes:
        owners: the plugins by their recommenders, who are told by ``reports``.
        wanted: each plugin with what it registered, by key, whether it fits or not.
    """

    each: Sequence[Addition] = ()
    owners: Mapping[str, PluginInfo] = field(default_factory=dict)
    reports: FailureReports = NOWHERE
    wanted: Mapping[str, Sequence[object]] = field(default_factory=dict)

    def fields(self, of: str) -> list[StrawberryField]:
        """Return the fields that a type of the bank has more."""
        return [addition.fields[of] for addition in self.each if of in addition.fields]

    @property
    def types(self) -> list[type]:
        """The types that no field leads to: those of facts."""
        return [made for addition in self.each for _, made in addition.facts.values()]

    def of(self, plugin: PluginInfo) -> Addition | None:
        """Return what a plugin adds, or another version of it."""
        return next((addition for addition in self.each if addition.plugin.key == plugin.key), None)

    def is_of(self, wanted: Mapping[str, Sequence[object]], owners: Mapping[str, PluginInfo]) -> bool:
        """Whether it was made of the same objects, in their order."""
        return _are(chain(self.owners.values(), *self.wanted.values()), chain(owners.values(), *wanted.values()))

    async def facts(self, reason: Reason) -> object | None:
        """Return a reason's facts, or None where it has none, and where they are none that a plugin registered.

        The engine may be newer than the schema of an operation: what another version of the plugin gives is made to be
        of the version that the schema has.
        """
        if reason.facts is None:
            return None
        owner = self.owners.get(reason.recommender)
        try:
            return self._checked(reason.facts, owner)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            if owner is not None:
                note_failed(owner, REASONS, error)
                await asyncio.to_thread(self.reports.tell, owner, "facts", REASONS, error, Asked.of())
            return None

    def _checked(self, facts: object, owner: PluginInfo | None) -> object:
        own = type(facts)
        for addition in self.each:
            if own in addition.facts:
                check_value(addition.facts[own][0], facts, "its facts")
                return facts
        version = self.of(owner) if owner else None
        for other, (shape, _) in version.facts.items() if version else ():
            if other.__name__ == own.__name__:
                return self._checked(unpacked(shape, packed(shape, facts)), owner)
        raise TypeError(f"{own.__name__} is registered by no hook facts")


NOTHING: Final = Additions()


def additions(host: PluginHost, own_fields: Mapping[On, Collection[str]], before: Additions = NOTHING) -> Additions:
    """Return what plugins add to types that have fields of their own; where they want what they did, ``before``.

    A plugin that registers what it did ``before``, or is broken, adds what it did, with its health, and no other takes
    its names.
    """
    wanted = {own.info.key: _wanted(own, before) for own in host.loaded}
    owners = {recommender.name: plugin for recommender, plugin in host.of("recommenders")}
    if before.is_of(wanted, owners):
        return before
    each, anew = list[Addition](), list[Loaded]()
    for own in host.loaded:
        was = before.of(own.info)
        if was and (own.info.state == "broken" or _are(was.made_of, _registered(own))):
            each.append(was.kept(own.info))
        elif _registered(own):
            anew.append(own)
    for own in sorted(anew, key=lambda own: before.of(own.info) is None):
        try:
            one = _addition(own, host.reports)
            _check_free(one, own_fields, each)
        except Exception as error:  # noqa: BLE001 - whatever does not fit is left out
            each.extend(_left_out(own.info, error, before, host.reports))
        else:
            own.info.mend(SCHEMA)
            each.append(one)
    places = {key: place for place, key in enumerate(wanted)}
    each.sort(key=lambda one: places[one.plugin.key])
    return Additions(each, owners, host.reports, wanted)


def fitting(added: Additions, build: Callable[[Additions], Built], before: Additions = NOTHING) -> Built:
    """Return the schema with what was added; an addition that makes it fail is left out, or is as it was before.

    Beside all that was there before, which fits, one after the other is tried, newcomers last.
    """
    try:
        return build(added)
    except Exception:  # noqa: BLE001 - whichever it is, the others stay
        fits = {one.plugin.key: was for one in added.each if (was := before.of(one.plugin))}
        anew = [one for one in added.each if one not in before.each]
        for one in sorted(anew, key=lambda one: one.plugin.key not in fits):
            tried = fits | {one.plugin.key: one}
            try:
                build(Additions(list(tried.values())))
            except Exception as error:  # noqa: BLE001 - as above
                fits |= {was.plugin.key: was for was in _left_out(one.plugin, error, before, added.reports)}
            else:
                fits = tried
        each = [fits[one.plugin.key] for one in added.each if one.plugin.key in fits]
        return build(replace(added, each=each))


def _left_out(plugin: PluginInfo, error: Exception, before: Additions, reports: FailureReports) -> list[Addition]:
    """Note, and tell, that what a plugin adds does not fit; return what it added before, if anything."""
    was, is_safe = before.of(plugin), plugin.is_safe_before_customers(error)
    plugin.note(f"{SCHEMA}: {STAY if was else ''}{told(error)}", placed(error), is_safe=is_safe)
    logger.warning(
        "plugin %s adds nothing new to the schema: %s", plugin.name, told(error) if is_safe else placed(error)
    )
    reports.tell(plugin, SCHEMA, plugin.name, error, Asked.of(is_safe=is_safe))
    return [was.kept(plugin)] if was else []


def _wanted(own: Loaded, before: Additions) -> Sequence[object]:
    """A plugin with what it has registered, if anything; one that is broken wants what it did."""
    was, registered = before.wanted.get(own.info.key), _registered(own)
    if was and own.info.state == "broken":
        return was
    return [own.info, *registered] if registered else []


def _registered(own: Loaded) -> list[Field | Facts]:
    return [*own.registered.of("fields"), *own.registered.of("facts")]


def _are(some: Iterable[object], others: Iterable[object]) -> bool:
    """Whether they are the same objects, not ones that are equal."""
    return [*map(id, some)] == [*map(id, others)]


def _addition(own: Loaded, reports: FailureReports) -> Addition:
    types = Prefixed(own.info.name)
    shapes = [checked_facts(one.type) for one in own.registered.of("facts")]
    facts = {shape.type: (shape, types.facts(shape)) for shape in shapes}
    calls = [FieldCalls(checked_field(one), own.info, reports=reports) for one in own.registered.of("fields")]
    fields: dict[str, StrawberryField] = {}
    for on in get_args(On):
        of_type = [one for one in calls if one.checked.field.on == on]
        if of_type:
            fields[on] = namespace(types, on, of_type)
    return Addition(own.info, types.field_name, fields, facts, _registered(own), calls)


def _check_free(one: Addition, own_fields: Mapping[On, Collection[str]], others: Sequence[Addition]) -> None:
    same = next((other for other in others if other.field_name == one.field_name), None)
    if same is not None:
        raise PluginError(
            f"the plugin {same.plugin.name}, from {same.plugin.source}, has its fields at {one.field_name}"
        )
    for on in get_args(On):
        if on in one.fields and one.field_name in own_fields[on]:
            raise PluginError(f"{on} has a field named {one.field_name} already")
