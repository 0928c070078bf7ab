"""Shares events between servers through Redis; while it is away each server tells its own subscribers, and goes on."""

import asyncio
import json
import logging
import secrets
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import EqualJitterBackoff, NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import RedisError

from api.app import Share
from api.events import Changes, Interactions, Recorded

logger = logging.getLogger("guanxi.api")

MOST_UNSENT: Final = 1_000
"""Events kept while Redis is away; of more all are dropped, and others told that they missed some."""
QUIET_SECONDS: Final = 10
"""A Redis that said nothing for so long is asked whether it is there, and left after as long again."""
BACKOFF: Final = EqualJitterBackoff(cap=10, base=0.5)
MISSED: Final = {"missed": True}


def through_redis(url: str, prefix: str) -> Share:
    """Return how servers that use the same Redis and prefix share events.

    Raises:
        ValueError: the URL is none of Redis.
    """
    # A timeout of redis-py's own is asyncio.wait_for, which in Python 3.11 may swallow that its task was cancelled.
    redis = Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=None)

    @asynccontextmanager
    async def share(changes: Changes, interactions: Interactions) -> AsyncIterator[None]:
        shared = SharedEvents(redis, f"{prefix}:events", changes, interactions)
        changes.on_publish = shared.send_change
        interactions.on_publish = shared.send_recorded
        connected = asyncio.create_task(shared.stay_connected())
        try:
            yield
        finally:
            connected.cancel()
            with suppress(asyncio.CancelledError):
                await connected
            await redis.aclose()

    return share


class SharedEvents:
    """Sends what is published here, and tells here what is published elsewhere.

    Redis keeps nothing of it, and is told no more than numbers and ids. After every connection made, listeners are
    woken here and elsewhere, since something may have been missed.
    """

    def __init__(self, redis: Redis, channel: str, changes: Changes, interactions: Interactions) -> None:
        self._redis = redis
        self._channel = channel
        self._changes = changes
        self._interactions = interactions
        self._server = secrets.token_hex(8)
        self._unsent: deque[dict[str, Any]] = deque()
        self._waiting = asyncio.Event()
        self._failures = 0

    def send_change(self, customer_no: str) -> None:
        """Say that a customer's offers may have changed."""
        self._send({"changed": customer_no})

    def send_recorded(self, recorded: Recorded) -> None:
        """Say that an interaction was recorded."""
        self._send({"recorded": asdict(recorded)})

    async def stay_connected(self) -> None:
        """Send and hear for ever, and connect again, after a while, whenever that ends."""
        while True:
            try:
                await self._exchange()
            except* (RedisError, OSError) as errors:
                if self._failures == 0:
                    logger.warning(
                        "Redis is away, and subscribers hear of this server's events alone: %s", errors.exceptions[0]
                    )
            await asyncio.sleep(BACKOFF.compute(self._failures))
            self._failures += 1

    async def _exchange(self) -> None:
        async with self._redis.pubsub() as hearing:
            await hearing.subscribe(self._channel)
            if await hearing.get_message(timeout=QUIET_SECONDS) is None:
                raise Disconnected("It does not answer.")
            await self._publish(MISSED)
            self._miss()
            if self._failures:
                logger.warning("Redis is back.")
            self._failures = 0
            async with asyncio.TaskGroup() as both:
                both.create_task(self._send_all())
                both.create_task(self._hear_all(hearing))

    def _send(self, event: dict[str, Any]) -> None:
        if len(self._unsent) == MOST_UNSENT:
            self._unsent.clear()
            self._unsent.append(MISSED)
        self._unsent.append(event)
        self._waiting.set()

    async def _send_all(self) -> None:
        while True:
            while self._unsent:
                await self._publish(self._unsent.popleft())
            self._waiting.clear()
            await self._waiting.wait()

    async def _publish(self, event: dict[str, Any]) -> None:
        async with asyncio.timeout(QUIET_SECONDS):
            await self._redis.publish(self._channel, json.dumps({"from": self._server, **event}))

    async def _hear_all(self, hearing: PubSub) -> None:
        asked = False
        while True:
            message = await hearing.get_message(timeout=QUIET_SECONDS)
            if message is None and asked:
                raise Disconnected(f"It said nothing for {2 * QUIET_SECONDS} seconds.")
            if message is None:
                await hearing.ping()
            elif message["type"] == "message":
                self._hear(message["data"])
            asked = message is None

    def _hear(self, data: bytes) -> None:
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            event = None
        match event:
            case {"from": self._server}:
                pass
            case {"changed": str(customer_no)}:
                self._changes.wake(customer_no)
            case {
                "recorded": {
                    "interaction_id": str(interaction_id),
                    "customer_no": str(customer_no),
                    "manager_no": str() | None as manager_no,
                }
            }:
                self._interactions.tell(Recorded(interaction_id, customer_no, manager_no))
            case {"missed": True}:
                self._miss()
            case _:
                logger.warning("A message on %s that is not guanxi's was ignored.", self._channel)

    def _miss(self) -> None:
        self._changes.wake_all()
        self._interactions.lose_count()
