"""Reads from the store what a bank offers, and how far its plugins have come, for commands that need no engine."""

from graph import plugin_stages, products
from graph.plugin_claims import Claimants
from graph.store import Store
from guanxi.settings import Settings
from plugins.life.stages import Lives
from recommenders.catalogue import Catalogue


async def read_lives(store: Store, settings: Settings) -> Lives:
    """Return the stages of the store's plugins."""
    return Lives.of(await plugin_stages.history(store), settings.new_plugins)


async def read_catalogue(store: Store, settings: Settings, claims: Claimants | None = None) -> Catalogue:
    """Return the store's catalogue, under the settings' purpose limits; ``claims`` as in ``graph.products``."""
    return Catalogue(await products.catalogue(store, claims), settings.purpose_limits)
