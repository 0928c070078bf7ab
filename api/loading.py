"""DataLoaders as guanxi uses them: their batches are measured, and nobody's failure cancels another."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar

from strawberry.dataloader import DataLoader

from api.metrics import LOADER_SIZES

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Loader(DataLoader[Key, Value]):
    """Loads what several fields wait for: one that fails cancels those beside it, but not what others wait for, too.

    ``name`` is the loader's in the metrics.
    """

    def __init__(self, name: str, read: Callable[[list[Key]], Awaitable[list[Value]]]) -> None:
        sizes = LOADER_SIZES.labels(name)

        async def measured(keys: list[Key]) -> list[Value]:
            sizes.observe(len(keys))
            return await read(keys)

        super().__init__(measured)

    def load(self, key: Key) -> Awaitable[Value]:
        """Load a value."""
        return asyncio.shield(super().load(key))
