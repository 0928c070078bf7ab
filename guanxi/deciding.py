"""Puts the engine together that the settings name, for the commands that decide."""

from graph import plugin_stages, products
from graph.plugin_claims import Claimants
from graph.store import Store
from guanxi.plugin_loading import load_plugins
from guanxi.settings import Settings
from guanxi.stored_settings import take_stored
from plugins.deciding import build_engine
from plugins.life.stages import Lives
from recommenders.artefact import Model, load_current
from recommenders.catalogue import Catalogue
from recommenders.engine import Engine


async def open_engine(store: Store, settings: Settings) -> Engine:
    """Return the engine of the store's catalogue, the settings' plugins and the model in force."""
    host = await take_stored(store, load_plugins(settings))
    lives = await read_lives(store, settings)
    return build_engine(await read_catalogue(store, settings), host, model_in_force(settings), lives)


async def read_lives(store: Store, settings: Settings) -> Lives:
    """Return the stages of the store's plugins."""
    return Lives.of(await plugin_stages.history(store), settings.new_plugins)


async def read_catalogue(store: Store, settings: Settings, claims: Claimants | None = None) -> Catalogue:
    """Return the store's catalogue, under the settings' purpose limits; ``claims`` as in ``graph.products``."""
    return Catalogue(await products.catalogue(store, claims), settings.purpose_limits)


def model_in_force(settings: Settings) -> Model | None:
    """Return the model in force, if there is one.

    Raises:
        ModelError: it is broken, or has learnt of what purpose limits confine now.
    """
    return load_current(settings.models_dir, confined=settings.purpose_limits.kinds)
