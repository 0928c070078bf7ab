"""DataLoaders whose batches are measured, and whose values several fields may wait for."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar

from strawberry.dataloader import DataLoader

from api.metrics import LOADER_SIZES

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Loader(DataLoader[Key, Value]):
    """A DataLoader known to the metrics by a name.

    A field that fails cancels those beside it, but not what others wait for, too.
    """

    def __init__(self, name: str, read: Callable[[list[Key]], Awaitable[list[Value]]]) -> None:
        sizes = LOADER_SIZES.labels(name)

        async def measured(keys: list[Key]) -> list[Value]:
            sizes.observe(len(keys))
            return await read(keys)

        super().__init__(measured)

    def knows(self, key: Key) -> bool:
        """Whether a value was asked for already."""
        return self.cache_map.get(key) is not None

    def clear(self, key: Key) -> None:
        """Forget a value, if it was asked for."""
        if self.knows(key):
            super().clear(key)

    def load(self, key: Key) -> Awaitable[Value]:
        """Load a value."""
        return asyncio.shield(super().load(key))
