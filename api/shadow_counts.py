"""Stores what plugins did, and would have done in shadow, so that no request waits for it."""

import logging
from typing import Final

from graph import plugin_days
from graph.store import Store
from plugins.life.shadows import Shadows

logger = logging.getLogger("guanxi.api")

AT_ONCE: Final = 1_000


async def store_seen(store: Store, shadows: Shadows) -> None:
    """Store what was seen since it was last stored."""
    seen = shadows.take()
    while seen.counts or seen.sightings:
        part = seen.part(AT_ONCE)
        try:
            await plugin_days.add(store, part.counts, list(part.sightings.values()))
        except BaseException as error:
            seen.add(part)
            shadows.put_back(seen)
            if not isinstance(error, Exception):
                raise
            logger.warning("what plugins in shadow would have done is stored later: %s", error)
            return
