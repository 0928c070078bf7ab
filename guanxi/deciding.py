"""Puts the engine together that the settings name, for the commands that decide."""

from graph import products
from graph.store import Store
from guanxi.settings import Settings
from plugins.deciding import build_engine
from plugins.host import PluginHost
from recommenders.artefact import load_current
from recommenders.catalogue import Catalogue
from recommenders.engine import Engine


async def open_engine(store: Store, settings: Settings) -> Engine:
    """Return the engine of the store's catalogue, the settings' plugins and the model in force."""
    catalogue = Catalogue(await products.catalogue(store), settings.purpose_limits)
    model = load_current(settings.models_dir, confined=settings.purpose_limits.kinds)
    return build_engine(catalogue, PluginHost.load(settings.plugins), model)
