"""Has plugins run under what staff has set at run time, as the graph has it."""

from graph import plugin_settings
from graph.store import Store
from plugins.host import PluginHost


async def take_stored(store: Store, host: PluginHost) -> PluginHost:
    """Have plugins run under what staff has set at run time, too; return them."""
    host.take_settings(await plugin_settings.every(store))
    return host
