"""Holds back what plugins have said is theirs where none of them decides: the gates that protect it are not there."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from types import ModuleType
from typing import TYPE_CHECKING, Final

import numpy as np

from graph import plugin_claims
from graph.plugin_claims import Claim, Claimants
from graph.records import Product
from graph.store import Store
from plugins.about import About
from plugins.host import DEFAULT_PLUGINS, PluginHost
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Gate, Mask
from recommenders.gates import Explanation, Rule, say
from recommenders.view import CustomerView

if TYPE_CHECKING:
    from recommenders.engine import Engine, Ranking

WITHOUT_PLUGIN: Final = "PLUGIN_MISSING"


@dataclass(frozen=True, slots=True)
class Held:
    """A product that is held back, and the plugins of which one would have to be in use."""

    product_code: str
    plugins: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"Held back from everybody, or all but a share, for want of {', '.join(self.plugins)}: {self.product_code}"
        )


def claims(host: PluginHost) -> set[Claim]:
    """Return what plugins say is theirs: those of a host, and those that are shipped, left out or not."""
    found = set[Claim]()
    for loaded in host.loaded:
        found |= set(_claims(loaded.info.name, loaded.registered.about))
    for module in DEFAULT_PLUGINS:
        found |= set(_claims(_name(module), _about(module)))
    return found


def is_shipped(plugin: str) -> bool:
    """Whether guanxi ships a plugin of that name, left out or not."""
    return any(_name(module) == plugin for module in DEFAULT_PLUGINS)


async def remember(store: Store, host: PluginHost) -> None:
    """Have a store remember what plugins say is theirs."""
    await plugin_claims.remember(store, claims(host), _loaded(host))


async def claimants(store: Store, host: PluginHost) -> Claimants:
    """Return who has claimed what, as if the store remembered what plugins say is theirs; it is only read."""
    return await plugin_claims.claimants(store, claims(host), _loaded(host))


def without_claims_of(plugin: str | None, catalogue: Catalogue) -> Catalogue:
    """Return a catalogue in which nothing is claimed by a plugin."""
    return Catalogue([replace(own, claimed_by=_others(own, plugin)) for own in catalogue], catalogue.limits)


def held_back(catalogue: Catalogue, host: PluginHost, among: Collection[str] | None = None) -> list[Held]:
    """Return what is not offered for want of its plugin, where all plugins decide, or those of some names."""
    used = {info.name for info in host.plugins if info.state != "broken" and (among is None or info.name in among)}
    missing = [(product.product_code, _missing(product, used)) for product in catalogue]
    return [Held(code, plugins) for code, plugins in missing if plugins]


def holding_back(catalogue: Catalogue, host: PluginHost, among: Collection[str] | None = None) -> list[Gate]:
    """Return the gate that refuses what is held back; none where nothing is."""
    held = {own.product_code: own.plugins for own in held_back(catalogue, host, among)}

    def refuse(batch: Batch) -> Mask:
        return np.array([[product.product_code in held for product in batch.catalogue]], np.bool_)

    def explain(_: CustomerView, product: Product) -> Explanation:
        names = ", ".join(held[product.product_code])
        return Explanation(
            say(f"The plugin whose rules it needs is not in use: {names}.", f"其所需规则的插件未启用：{names}。"),
            f"no {names}",
            say(f"the plugin {names} in use", f"启用插件{names}"),
        )

    return [Rule("eligibility", WITHOUT_PLUGIN, refuse, explain)] if held else []


def passed_with(engine: "Engine", ranking: "Ranking", plugin: str) -> Mask:
    """``(n, m)``: what passes in a ranking, and what would if a plugin were there whose products are held back."""
    gates = zip(engine.gates, ranking.refused, strict=True)
    by_others = [refused for gate, refused in gates if gate.code != WITHOUT_PLUGIN]
    if len(by_others) == len(engine.gates):
        return ranking.passed
    own = [
        product.product_code not in ranking.batch.context.exclude
        and any(plugin in claimants for claimants in product.claimed_by)
        for product in engine.catalogue
    ]
    return ranking.passed | (~reduce(np.logical_or, by_others) & np.array(own, np.bool_))


def _others(product: Product, plugin: str | None) -> tuple[tuple[str, ...], ...]:
    left = (tuple(name for name in group if name != plugin) for group in product.claimed_by)
    return tuple(group for group in left if group)


def _missing(product: Product, used: Collection[str]) -> tuple[str, ...]:
    missing = [name for group in product.claimed_by if not set(group) & set(used) for name in group]
    return tuple(dict.fromkeys(missing))


def _loaded(host: PluginHost) -> set[str]:
    return {loaded.info.name for loaded in host.loaded}


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def _about(module: ModuleType) -> About:
    return module.about() if hasattr(module, "about") else About()


def _claims(plugin: str, about: About) -> Iterator[Claim]:
    yield from ((plugin, "kind", word) for word in about.serves)
    yield from ((plugin, "purpose", word) for word in about.guards)
