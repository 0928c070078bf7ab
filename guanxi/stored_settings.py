"""Has plugins run under what staff has set at run time, as the graph has it, and has the graph know what is theirs."""

from graph import plugin_settings
from graph.store import Store
from plugins.claims import remember
from plugins.host import PluginHost


async def take_stored(store: Store, host: PluginHost) -> PluginHost:
    """Have plugins run under what staff has set at run time, too, and remember what is theirs; return them."""
    host.take_settings(await plugin_settings.every(store))
    await remember(store, host)
    return host
