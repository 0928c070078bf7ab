"""Stores at intervals what is counted in memory meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

STORE_SECONDS: Final = 10.0


async def keep_storing(store: Callable[[], Awaitable[None]]) -> None:
    """Have something stored for ever, and once more at the end; while the store is down, it waits."""
    try:
        while True:
            await asyncio.sleep(STORE_SECONDS)
            await store()
    finally:
        await store()
