"""Stores how often plugins failed, and so tells webhooks."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from graph import plugin_failures
from graph.store import Store
from plugins.failures.counting import FailureCounts

logger = logging.getLogger("guanxi.plugins")


async def tell_webhooks(store: Store, counts: FailureCounts) -> None:
    """Store what failed since it was last stored, and tell webhooks; while the store is down, it waits."""
    try:
        await _tell(store, counts)
    except Exception as error:  # noqa: BLE001 - whatever it was, the next try may do better
        logger.warning("webhooks are told of plugins' failures later: %s", error)


@asynccontextmanager
async def telling(store: Store, counts: FailureCounts) -> AsyncIterator[None]:
    """Tell webhooks, in the end, of what fails meanwhile, however that ends; while the store is down, of nothing."""
    try:
        yield
    finally:
        try:
            await _tell(store, counts)
        except Exception as error:  # noqa: BLE001 - it is no reason to fail
            logger.warning("webhooks are not told of plugins' failures: %s", error)


async def _tell(store: Store, counts: FailureCounts) -> None:
    found = counts.take()
    try:
        if found:
            await plugin_failures.add(store, found, datetime.now(UTC))
    except BaseException:
        counts.put_back(found)
        raise
