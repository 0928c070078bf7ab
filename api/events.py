"""Tells subscriptions what happened: whose offers may have changed, and which interactions were recorded."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

MOST_WAITING: Final = 100
"""Interactions that wait for one reader; of more, the oldest are dropped, and he is told how many."""


class Changes:
    """One waiting change a listener is enough: he reads the latest state, however often it changed meanwhile.

    Attributes:
        on_publish: tells other servers.
    """

    def __init__(self) -> None:
        self.on_publish: Callable[[str], None] = lambda _: None
        self._listeners: dict[str, set[asyncio.Event]] = defaultdict(set)

    @property
    def listeners(self) -> int:
        """How many listen in this process."""
        return sum(map(len, self._listeners.values()))

    def publish(self, customer_no: str) -> None:
        """Wake a customer's listeners, here and elsewhere."""
        self.wake(customer_no)
        self.on_publish(customer_no)

    def wake(self, customer_no: str) -> None:
        """Wake a customer's listeners in this process."""
        for changed in self._listeners.get(customer_no, ()):
            changed.set()

    def wake_all(self) -> None:
        """Wake every listener in this process."""
        for customer_no in list(self._listeners):
            self.wake(customer_no)

    async def of(self, customer_no: str, until: datetime) -> AsyncGenerator[None, None]:
        """Yield whenever a customer's offers may have changed, and end at a moment."""
        changed = asyncio.Event()
        self._listeners[customer_no].add(changed)
        try:
            while await _happens(changed, until):
                yield
        finally:
            self._listeners[customer_no].discard(changed)
            if not self._listeners[customer_no]:
                del self._listeners[customer_no]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An interaction that was recorded; who is told of it reads it from the graph.

    Attributes:
        manager_no: of the customer's manager at that time.
    """

    interaction_id: str
    customer_no: str
    manager_no: str | None


@dataclass(eq=False, slots=True)
class Inbox:
    """What waits for one reader, each with how many before it were missed; None where that cannot be known.

    Attributes:
        missed: how many were missed since the last that came.
    """

    wanted: Callable[[Recorded], bool]
    waiting: deque[tuple[Recorded, int | None]] = field(default_factory=deque)
    missed: int | None = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, recorded: Recorded) -> None:
        """Take in what is wanted, in place of the oldest where there is no room."""
        if not self.wanted(recorded):
            return
        self.waiting.append((recorded, self.missed))
        self.missed = 0
        if len(self.waiting) > MOST_WAITING:
            self._drop_oldest()
        self.arrived.set()

    def _drop_oldest(self) -> None:
        _, before = self.waiting.popleft()
        oldest, missed = self.waiting.popleft()
        missed = None if before is None or missed is None else before + 1 + missed
        self.waiting.appendleft((oldest, missed))


class Interactions:
    """A reader slower than what comes misses the oldest of what waits for him, and is told so.

    Attributes:
        on_publish: tells other servers.
    """

    def __init__(self) -> None:
        self.on_publish: Callable[[Recorded], None] = lambda _: None
        self._inboxes: set[Inbox] = set()

    @property
    def listeners(self) -> int:
        """How many listen in this process."""
        return len(self._inboxes)

    def publish(self, recorded: Recorded) -> None:
        """Tell the readers, here and elsewhere."""
        self.tell(recorded)
        self.on_publish(recorded)

    def tell(self, recorded: Recorded) -> None:
        """Tell the readers in this process."""
        for inbox in self._inboxes:
            inbox.put(recorded)

    def lose_count(self) -> None:
        """Say that the readers in this process may have missed any number."""
        for inbox in self._inboxes:
            inbox.missed = None

    async def of(
        self, wanted: Callable[[Recorded], bool], until: datetime
    ) -> AsyncGenerator[tuple[Recorded, int | None], None]:
        """Yield what is recorded, each with the number missed before it, and end at a moment."""
        inbox = Inbox(wanted)
        self._inboxes.add(inbox)
        try:
            while await _happens(inbox.arrived, until):
                while inbox.waiting:
                    yield inbox.waiting.popleft()
        finally:
            self._inboxes.discard(inbox)


async def _happens(event: asyncio.Event, until: datetime) -> bool:
    try:
        async with asyncio.timeout((until - datetime.now(UTC)).total_seconds()):
            await event.wait()
    except TimeoutError:
        return False
    event.clear()
    return True
