"""Tells which products are offered to nobody for want of their plugins, by what the store has of these."""

from graph.store import Store
from guanxi.deciding import read_catalogue, read_lives
from guanxi.opening import open_store
from guanxi.settings import Settings
from guanxi.stored_settings import take_stored
from plugins.claims import Held, held_back, without_claims_of
from plugins.host import PluginHost


async def held_here(settings: Settings, host: PluginHost) -> list[Held]:
    """Open the store, and return what is held back, as ``held_in``."""
    async with open_store(settings) as store:
        return await held_in(store, settings, host)


async def held_in(store: Store, settings: Settings, host: PluginHost, *, forgotten: str | None = None) -> list[Held]:
    """Have plugins run under what staff has set of them, and return what is held back where they decide as staged.

    With ``forgotten``, it is what would be if a plugin claimed nothing.
    """
    await take_stored(store, host)
    lives = await read_lives(store, settings)
    catalogue = without_claims_of(forgotten, await read_catalogue(store, settings))
    return held_back(catalogue, host, lives.live(host))
