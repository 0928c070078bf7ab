"""Tells which products are offered to nobody for want of their plugins, by what the store has of these."""

from graph import plugin_settings
from graph.store import Store
from guanxi.opening import reach_store
from guanxi.reading import read_catalogue, read_lives
from guanxi.settings import Settings
from plugins.claims import Held, claimants, held_back, without_claims_of
from plugins.host import PluginHost


async def held_here(settings: Settings, host: PluginHost) -> list[Held]:
    """Return what is held back, as ``held_in``, of the settings' store as it is: it is not migrated."""
    async with reach_store(settings) as store:
        return await held_in(store, settings, host)


async def held_in(store: Store, settings: Settings, host: PluginHost, *, forgotten: str | None = None) -> list[Held]:
    """Have plugins run under what staff has set of them, and return what is held back where they decide as staged.

    With ``forgotten``, it is what would be if a plugin claimed nothing. The store is only read: it remembers nothing
    that plugins say here is theirs.
    """
    host.take_settings(await plugin_settings.every(store))
    lives = await read_lives(store, settings)
    claims = await claimants(store, host)
    catalogue = without_claims_of(forgotten, await read_catalogue(store, settings, claims))
    return held_back(catalogue, host, lives.live(host))
