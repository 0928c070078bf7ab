"""Stores at intervals what plugins did, and would have done in shadow, so that no request waits for it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from graph import plugin_days
from graph.store import Store
from plugins.life.shadows import Shadows

logger = logging.getLogger("guanxi.api")

STORE_SECONDS: Final = 10.0
AT_ONCE: Final = 1_000


async def keep_storing(store: Callable[[], Awaitable[None]]) -> None:
    """Have something stored for ever, and once more at the end; while the store is down, it waits."""
    try:
        while True:
            await asyncio.sleep(STORE_SECONDS)
            await store()
    finally:
        await store()


async def store_seen(store: Store, shadows: Shadows) -> None:
    """Store what was seen since it was last stored."""
    seen = shadows.take()
    while seen.counts or seen.sightings:
        part = seen.part(AT_ONCE)
        try:
            await plugin_days.add(store, part.counts, list(part.sightings.values()))
        except Exception as error:  # noqa: BLE001 - whatever it was, the next try may do better
            logger.warning("what plugins in shadow would have done is stored later: %s", error)
            seen.add(part)
            shadows.put_back(seen)
            return
