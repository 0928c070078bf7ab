"""Lets requests in, in one server process: so many a second and so many at once; others may come again.

Operations run under a semaphore. Those that wait for it do so in the order they came, and what would wait for long, by
how many wait and how long places are held of late, is refused at once: a server that is asked for more than it can do
answers what it can, in bounded time, and is soon back.
"""

import asyncio
import hashlib
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from api.errors import Code, Exceeded
from api.limits import Limits
from api.rates import Rate

SOON: Final = 1
"""Seconds after which to ask again, where nothing tells when there will be room."""
WEIGHT: Final = 0.05
"""Of the last operation, in the mean of how long places are held."""


class Admission:
    """Counts what clients have under way."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._clients, self._tokens = Rate(limits.client_rate), Rate(limits.token_rate)
        self._operations, self._sockets, self._subscriptions = Counter[str](), Counter[str](), Counter[str]()
        self._running = asyncio.Semaphore(limits.running)
        self._waiting = 0
        self._held_seconds = 0.0

    def charge(self, client: str, authorization: str | None = None) -> None:
        """Count a request.

        Raises:
            Exceeded: LIMIT_TOKEN_RATE, LIMIT_CLIENT_RATE.
        """
        if authorization is not None:
            token = hashlib.sha256(authorization.encode()).hexdigest()
            _come_again(self._tokens.wait(token), Code.LIMIT_TOKEN_RATE, "a token", self._limits.token_rate)
        _come_again(self._clients.wait(client), Code.LIMIT_CLIENT_RATE, "a client", self._limits.client_rate)

    def check_room(self) -> None:
        """Refuse at once, before anything is read, where too many wait already, or the last of them for too long.

        Raises:
            Exceeded: LIMIT_WAITING, LIMIT_WAITING_SECONDS.
        """
        if self._waiting >= self._limits.waiting:
            message = f"The server is busy: {self._waiting} operations wait. Try again in {SOON} s."
            raise Exceeded(Code.LIMIT_WAITING, message, self._waiting, self._limits.waiting, SOON)
        seconds = self._waiting * self._held_seconds / self._limits.running
        if seconds > self._limits.waiting_seconds:
            raise self._too_long(round(seconds, 1))

    def _too_long(self, seconds: float | None = None) -> Exceeded:
        most = self._limits.waiting_seconds
        message = f"The server is busy: operations wait for more than {most:g} seconds. Try again in {SOON} s."
        return Exceeded(Code.LIMIT_WAITING_SECONDS, message, seconds, most, SOON)

    @asynccontextmanager
    async def operation(self, client: str) -> AsyncIterator[None]:
        """Hold a place for a query or mutation; it may have to wait for it.

        Raises:
            Exceeded: LIMIT_CONCURRENT, LIMIT_WAITING, LIMIT_WAITING_SECONDS; LIMIT_SECONDS where it took too long,
                waiting included.
        """
        most = self._limits.concurrent
        with _held(self._operations, client, most, Code.LIMIT_CONCURRENT, "{} operations under way"):
            try:
                async with asyncio.timeout(self._limits.seconds), self._place():
                    yield
            except TimeoutError as error:
                seconds = self._limits.seconds
                message = f"The answer took longer than {seconds:g} seconds."
                raise Exceeded(Code.LIMIT_SECONDS, message, most=seconds) from error

    @contextmanager
    def socket(self, client: str) -> Iterator[None]:
        """Hold a place for a WebSocket.

        Raises:
            Exceeded: LIMIT_SOCKETS.
        """
        with _held(self._sockets, client, self._limits.sockets, Code.LIMIT_SOCKETS, "{} sockets"):
            yield

    @contextmanager
    def subscription(self, client: str) -> Iterator[None]:
        """Hold a place for a subscription.

        Raises:
            Exceeded: LIMIT_SUBSCRIPTIONS.
        """
        most = self._limits.subscriptions
        with _held(self._subscriptions, client, most, Code.LIMIT_SUBSCRIPTIONS, "{} subscriptions"):
            yield

    @asynccontextmanager
    async def place(self, client: str, *, listens: bool) -> AsyncIterator[None]:
        """Hold the place of an operation over a socket or stream: a subscription's, where it ``listens``.

        Raises:
            Exceeded: as for a subscription or operation.
        """
        if listens:
            with self.subscription(client):
                yield
        else:
            async with self.operation(client):
                yield

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._running.locked():
            self.check_room()
            await self._wait()
        else:
            await self._running.acquire()
        began_at = time.monotonic()
        try:
            yield
        finally:
            self._running.release()
            self._held_seconds += WEIGHT * (time.monotonic() - began_at - self._held_seconds)

    async def _wait(self) -> None:
        self._waiting += 1
        try:
            async with asyncio.timeout(self._limits.waiting_seconds):
                await self._running.acquire()
        except TimeoutError as error:
            raise self._too_long() from error
        finally:
            self._waiting -= 1


@contextmanager
def _held(held: Counter[str], client: str, most: int, code: Code, what: str) -> Iterator[None]:
    if held[client] >= most:
        message = f"A client has {what.format(most)} at most."
        raise Exceeded(code, message, held[client] + 1, most, SOON)
    held[client] += 1
    try:
        yield
    finally:
        held[client] -= 1
        if not held[client]:
            del held[client]


def _come_again(seconds: float, code: Code, who: str, most: float) -> None:
    if seconds:
        raise Exceeded(
            code, f"{most:g} requests a second is the most for {who}.", most=most, retry_after=math.ceil(seconds)
        )
