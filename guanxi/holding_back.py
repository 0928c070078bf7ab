"""Tells which products are offered to nobody for want of their plugins, by what the store has of these."""

from guanxi.deciding import read_catalogue, read_lives
from guanxi.opening import open_store
from guanxi.settings import Settings
from guanxi.stored_settings import take_stored
from plugins.claims import Held, held_back
from plugins.host import PluginHost


async def held_here(settings: Settings, host: PluginHost) -> list[Held]:
    """Have plugins run under what staff has set of them, and return what is held back where they decide as staged."""
    async with open_store(settings) as store:
        await take_stored(store, host)
        lives = await read_lives(store, settings)
        return held_back(await read_catalogue(store, settings), host, lives.live(host))
