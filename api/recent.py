"""What every request needs and seldom changes, read from the store once in a while for all of them."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

FRESH_SECONDS: Final = 2.0

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """A value that is at most ``FRESH_SECONDS`` old; what cannot be read is asked for anew by the next who wants it."""

    def __init__(
        self, read: Callable[[], Coroutine[Any, Any, Value]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._begun_at = 0.0
        self._reading: asyncio.Task[Value] | None = None

    async def value(self) -> Value:
        """Return the value; raises as reading it does."""
        if self._reading is None or self._is_old() or _failed(self._reading):
            self._begun_at, self._reading = self._clock(), asyncio.create_task(self._read())
        return await asyncio.shield(self._reading)

    def at_hand(self) -> Value | None:
        """Return the value where nobody has to wait for it; None where it would have to be read."""
        reading = self._reading
        return None if reading is None or not reading.done() or self._is_old() or _failed(reading) else reading.result()

    def _is_old(self) -> bool:
        return self._clock() - self._begun_at >= FRESH_SECONDS


def _failed(reading: asyncio.Task[Any]) -> bool:
    return reading.done() and (reading.cancelled() or reading.exception() is not None)
