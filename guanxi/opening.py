"""Opens what a command works on: the store that the settings name, migrated."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from graph import embedded, products
from graph.migrations import migrate
from graph.store import Store
from guanxi.settings import Settings
from plugins.deciding import build_engine
from plugins.host import PluginHost
from recommenders.artefact import load_current
from recommenders.catalogue import Catalogue
from recommenders.engine import Engine


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """Yield the Neo4j of the settings, or join the home's embedded store; closed at the end."""
    if settings.neo4j_uri is not None:
        password = settings.neo4j_password.get_secret_value()
        async with Store(settings.neo4j_uri, settings.neo4j_username, password, settings.neo4j_database) as store:
            await migrate(store)
            yield store
        return
    with embedded.join(settings.home) as lease:
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            await migrate(store)
            yield store


async def open_engine(store: Store, settings: Settings) -> Engine:
    """Return the engine of the store's catalogue, the settings' plugins and the model in force."""
    catalogue = Catalogue(await products.catalogue(store))
    return build_engine(catalogue, PluginHost.load(settings.plugins), load_current(settings.models_dir))
