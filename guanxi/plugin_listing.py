"""Lists plugins as servers run them, under what staff has set of them, and those that are gone and missed."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

from graph.errors import StoreError
from guanxi.holding_back import held_here
from guanxi.opening import is_stored
from guanxi.plugin_loading import load_plugins, warn_of_slips
from guanxi.settings import Settings
from plugins.claims import Held
from plugins.infos import SHIPPED, PluginInfo
from recommenders.history import versions_in_force

logger = logging.getLogger("guanxi")

STORE: Final = "the store"
"""The source of what is not loaded, and is known by what the store remembers of it."""
GONE: Final = "it is not loaded; guanxi plugins forget {} removes what is kept of it"


def list_plugins(settings: Settings) -> list[PluginInfo]:
    """Return the plugins that are loaded, and those for want of which products are held back.

    The store is opened where there is one already, or a plugin has settings. Where it cannot be reached, no version of
    settings is known, and nobody who is missed.
    """
    host = load_plugins(settings)
    host.close()
    warn_of_slips(settings, host)
    for name, why, plugin in host.untrained(versions_in_force(settings.models_dir)):
        if plugin.source != SHIPPED:
            plugin.untrained.append(f"{name} is {why}")
    having = [plugin for plugin in host.plugins if plugin.settings_version is not None]
    if having or is_stored(settings):
        try:
            return [*host.plugins, *_missed(host.plugins, asyncio.run(held_here(settings, host)))]
        except StoreError as error:
            logger.warning("%s What staff has set of plugins is not known.", error)
            for plugin in having:
                plugin.settings_version = None
    return host.plugins


def told_about(plugin: PluginInfo) -> str:
    """Return what a list tells of a plugin beside its recommenders: of one of ours, no version."""
    told = ""
    if plugin.source != SHIPPED and plugin.version is not None:
        told += f" ({plugin.version}, for API {plugin.api}{f', of {plugin.owner}' if plugin.owner else ''})"
    if plugin.settings_version is not None:
        told += f"   settings version {plugin.settings_version}"
    return told


def _missed(here: Iterable[PluginInfo], held: Iterable[Held]) -> list[PluginInfo]:
    """Tell plugins what is held back for want of them, and return those that are not here."""
    known, gone = {plugin.name: plugin for plugin in here}, dict[str, PluginInfo]()
    for own in held:
        for name in own.plugins:
            missed = known.get(name) or gone.setdefault(name, PluginInfo(name, STORE, "gone", GONE.format(name)))
            missed.holds_back.append(own.product_code)
    return list(gone.values())
