"""Token buckets, by the generic cell rate algorithm: of each key no more is kept than when it will be idle again."""

import math
import time
from collections.abc import Callable
from typing import Final

BURST_SECONDS: Final = 2.0
LEAST_KEPT: Final = 1_000


class Rate:
    """So many a second for each key; a key that was idle has those of two seconds at once.

    Source: ITU-T I.371, the virtual scheduling algorithm.
    """

    def __init__(self, each_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = 1 / each_second
        self._burst = (max(1, math.floor(each_second * BURST_SECONDS)) - 1) * self._interval
        self._clock = clock
        self._idle_at: dict[str, float] = {}
        self._most_kept = LEAST_KEPT

    def wait(self, key: str) -> float:
        """Count one and return 0, or count none and return the seconds until one more may come."""
        now = self._clock()
        idle_at = max(now, self._idle_at.get(key, now))
        early = idle_at - now - self._burst
        if early > self._interval * 1e-9:  # of the sum's rounding
            return early
        self._forget_the_idle(now)
        self._idle_at[key] = idle_at + self._interval
        return 0.0

    def _forget_the_idle(self, now: float) -> None:
        if len(self._idle_at) >= self._most_kept:
            self._idle_at = {key: idle_at for key, idle_at in self._idle_at.items() if idle_at > now}
            self._most_kept = max(LEAST_KEPT, 2 * len(self._idle_at))
