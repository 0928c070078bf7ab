"""Puts the engine together that the settings name, for the commands that decide."""

from graph.store import Store
from guanxi.plugin_loading import load_plugins
from guanxi.reading import read_catalogue, read_lives
from guanxi.settings import Settings
from guanxi.stored_settings import take_stored
from plugins.deciding import build_engine
from recommenders.artefact import Model, load_current
from recommenders.engine import Engine


async def open_engine(store: Store, settings: Settings) -> Engine:
    """Return the engine of the store's catalogue, the settings' plugins and the model in force."""
    host = await take_stored(store, load_plugins(settings))
    lives = await read_lives(store, settings)
    return build_engine(await read_catalogue(store, settings), host, model_in_force(settings), lives)


def model_in_force(settings: Settings) -> Model | None:
    """Return the model in force, if there is one.

    Raises:
        ModelError: it is broken, or has learnt of what purpose limits confine now.
    """
    return load_current(settings.models_dir, confined=settings.purpose_limits.kinds)
