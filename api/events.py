"""Tells subscriptions, within this process, whose offers may have changed."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from datetime import UTC, datetime


class Changes:
    """One waiting change a listener is enough: he reads the latest state, however often it changed meanwhile."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Event]] = defaultdict(set)

    def publish(self, customer_no: str) -> None:
        """Wake a customer's listeners."""
        for changed in self._listeners.get(customer_no, ()):
            changed.set()

    def publish_all(self) -> None:
        """Wake every listener."""
        for customer_no in list(self._listeners):
            self.publish(customer_no)

    async def of(self, customer_no: str, until: datetime) -> AsyncGenerator[None, None]:
        """Yield whenever a customer's offers may have changed, and end at a moment."""
        changed = asyncio.Event()
        self._listeners[customer_no].add(changed)
        try:
            while True:
                try:
                    await asyncio.wait_for(changed.wait(), (until - datetime.now(UTC)).total_seconds())
                except TimeoutError:
                    return
                changed.clear()
                yield
        finally:
            self._listeners[customer_no].discard(changed)
            if not self._listeners[customer_no]:
                del self._listeners[customer_no]
