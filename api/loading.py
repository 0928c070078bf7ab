"""DataLoaders whose batches are measured."""

from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar

from strawberry.dataloader import DataLoader

from api.metrics import LOADER_SIZES

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def loader(name: str, read: Callable[[list[Key]], Awaitable[list[Value]]]) -> DataLoader[Key, Value]:
    """Return a DataLoader known to the metrics by a name."""
    sizes = LOADER_SIZES.labels(name)

    async def load(keys: list[Key]) -> list[Value]:
        sizes.observe(len(keys))
        return await read(keys)

    return DataLoader(load)
