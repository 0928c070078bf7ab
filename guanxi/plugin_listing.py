"""Lists plugins as servers run them: under what staff has set of them, where any has settings."""

import asyncio
import logging

from graph.errors import StoreError
from guanxi.opening import open_store
from guanxi.plugin_loading import load_plugins, warn_of_slips
from guanxi.settings import Settings
from guanxi.stored_settings import take_stored
from plugins.host import PluginHost
from plugins.infos import SHIPPED, PluginInfo
from recommenders.history import versions_in_force

logger = logging.getLogger("guanxi")


def list_plugins(settings: Settings) -> list[PluginInfo]:
    """Return the plugins that are loaded; the store is opened only where one has settings.

    Where it cannot be reached, no version of settings is known.
    """
    host = load_plugins(settings)
    host.close()
    warn_of_slips(settings, host)
    for name, why, plugin in host.untrained(versions_in_force(settings.models_dir)):
        if plugin.source != SHIPPED:
            plugin.untrained.append(f"{name} is {why}")
    having = [plugin for plugin in host.plugins if plugin.settings_version is not None]
    if having:
        try:
            asyncio.run(_take(settings, host))
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


async def _take(settings: Settings, host: PluginHost) -> None:
    async with open_store(settings) as store:
        await take_stored(store, host)
