"""Says when something is due that is done ever less often."""

import time
from dataclasses import dataclass


@dataclass(slots=True)
class Pauses:
    """What is due at once, and then after pauses of which each is twice as long as the one before.

    Attributes:
        first: seconds of the first pause.
        most: seconds of the longest.
    """

    first: float
    most: float
    _pause: float = 0.0
    _due: float = 0.0

    @property
    def is_due(self) -> bool:
        """Whether no pause is left."""
        return time.monotonic() >= self._due

    def begin(self) -> None:
        """Be due at once."""
        self._pause = self._due = 0.0

    def wait(self) -> None:
        """Begin the next pause."""
        self._pause = min(max(2 * self._pause, self.first), self.most)
        self._due = time.monotonic() + self._pause
