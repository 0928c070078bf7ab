"""Opens the store that the settings name."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from graph import embedded
from graph.errors import GuanxiError
from graph.migrations import migrate
from graph.store import Store
from guanxi.settings import Settings

logger = logging.getLogger("guanxi")

WATCH_SECONDS: Final = 2.0
Login: TypeAlias = tuple[str, str, str, str]
"""Where a store is, the user and the password, and the database."""


def is_stored(settings: Settings) -> bool:
    """Whether there is a store already: a Neo4j, or the home's own."""
    return settings.neo4j_uri is not None or embedded.is_there(settings.home)


@contextmanager
def store_login(settings: Settings) -> Iterator[Login]:
    """Yield the login of the settings' Neo4j, or of the home's embedded store, which runs until the end."""
    if settings.neo4j_uri is not None:
        password = settings.neo4j_password.get_secret_value()
        yield settings.neo4j_uri, settings.neo4j_username, password, settings.neo4j_database
        return
    with embedded.join(settings.home) as lease:
        yield lease.uri, lease.username, lease.password, lease.database


@asynccontextmanager
async def log_in(settings: Settings, login: Login) -> AsyncIterator[Store]:
    """Yield the store of a login, migrated, and closed at the end."""
    async with Store(*login, settings.store_retry_seconds) as store:
        await migrate(store)
        yield store


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """Yield the Neo4j of the settings, or join the home's embedded store; migrated, and closed at the end."""
    with store_login(settings) as login:
        async with log_in(settings, login) as store:
            yield store


@asynccontextmanager
async def reach_store(settings: Settings) -> AsyncIterator[Store]:
    """Yield the store without asking it for anything, so that it may be down."""
    with store_login(settings) as login:
        async with Store(*login, settings.store_retry_seconds) as store:
            yield store


@asynccontextmanager
async def keep_store(settings: Settings) -> AsyncIterator[Store]:
    """Yield the store as ``reach_store`` does, and start the embedded one again whenever its process has died."""
    async with reach_store(settings) as store:
        watching = asyncio.create_task(_revive(settings)) if settings.neo4j_uri is None else None
        try:
            yield store
        finally:
            if watching is not None:
                watching.cancel()


async def _revive(settings: Settings) -> None:
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        try:
            await asyncio.to_thread(_join_and_leave, settings.home)
        except GuanxiError as error:
            logger.warning("%s", error)


def _join_and_leave(home: Path) -> None:
    with embedded.join(home):
        pass
