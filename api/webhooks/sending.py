"""Sends what webhooks are to be told, for as long as the server runs.

Each webhook has a lane of its own, so that one whose receiver is slow holds up no other. Of several servers and
workers the one that claims a delivery sends it; where it dies, another does so later, and the receiver may get the
event twice, under one ``webhook-id``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from api import metrics
from api.logs import TOLD
from api.webhooks import signing
from api.webhooks.posting import Answer, Poster
from api.webhooks.rules import WebhookRules
from graph import deliveries, webhooks
from graph.deliveries import Attempt, Delivery
from graph.errors import StoreError
from graph.store import Store
from graph.webhooks import Webhook
from graph.words import DeliveryState

logger = logging.getLogger("guanxi.webhooks")

AFTER_TROUBLE_SECONDS: Final = 10.0
TIDY_SECONDS: Final = 60.0
SUCCESS: Final = 2
CLIENT_ERROR: Final = 4


async def keep_sending(store: Store, rules: WebhookRules) -> None:
    """Send, tell how long what waits has waited, and delete what is old, until cancelled."""
    async with Poster(rules) as poster, asyncio.TaskGroup() as tasks:
        sender = Sender(store, rules, poster, tasks)
        tasks.create_task(_every(rules.poll, sender.look))
        tasks.create_task(_every(max(rules.poll, TIDY_SECONDS), lambda: _tidy(store)))


class Sender:
    """Has a lane for each webhook."""

    def __init__(self, store: Store, rules: WebhookRules, poster: Poster, tasks: asyncio.TaskGroup) -> None:
        self._store = store
        self._rules = rules
        self._poster = poster
        self._tasks = tasks
        self._lanes: dict[str, Lane] = {}

    async def look(self) -> None:
        """Begin to send to every webhook where nobody looks what is due already."""
        for webhook_id in await webhooks.enabled(self._store):
            if webhook_id not in self._lanes:
                self._lanes[webhook_id] = Lane(webhook_id, self._store, self._rules, self._poster, self._tasks)
            self._lanes[webhook_id].look()


class Lane:
    """Sends what is due to one webhook, a few deliveries at a time: the next as soon as one is done."""

    def __init__(
        self, webhook_id: str, store: Store, rules: WebhookRules, poster: Poster, tasks: asyncio.TaskGroup
    ) -> None:
        self._webhook_id = webhook_id
        self._store = store
        self._rules = rules
        self._poster = poster
        self._tasks = tasks
        self._looking = False
        self._free = rules.concurrent
        self._freed = asyncio.Event()

    def look(self) -> None:
        """Claim and send until nothing is due."""
        if not self._looking:
            self._looking = True
            self._tasks.create_task(self._claim())

    async def _claim(self) -> None:
        try:
            with _told(self._webhook_id):
                while True:
                    while not self._free:
                        self._freed.clear()
                        await self._freed.wait()
                    now, lease = datetime.now(UTC), self._rules.lease
                    claimed = await deliveries.claim(self._store, self._webhook_id, self._free, now, lease)
                    if not claimed:
                        return
                    for webhook, delivery in claimed:
                        self._free -= 1
                        self._tasks.create_task(self._sent(webhook, delivery))
        finally:
            self._looking = False

    async def _sent(self, webhook: Webhook, delivery: Delivery) -> None:
        try:
            with _told(self._webhook_id):
                await self._send(webhook, delivery)
        finally:
            self._free += 1
            self._freed.set()

    async def _send(self, webhook: Webhook, delivery: Delivery) -> None:
        now, body = datetime.now(UTC), delivery.body.encode()
        headers = signing.headers(webhook, delivery.event_id, body, now, self._rules.secret)
        answer = await self._poster.post(webhook.url, body, headers)
        state = became(answer, delivery.tries, self._rules.attempts)
        if answer.status == HTTPStatus.GONE:
            await webhooks.disable(self._store, webhook.webhook_id)
        due_at = datetime.now(UTC) + self._rules.wait(delivery.tries) if state is DeliveryState.PENDING else None
        attempt = Attempt(now, answer.status, answer.error, answer.milliseconds)
        _tell(delivery, answer, state)
        await deliveries.finish(self._store, delivery, attempt, state, due_at)


def became(answer: Answer, tries: int, most: int) -> DeliveryState:
    """Return what a delivery is after an answer: delivered by 2xx, failed by 4xx or at the last try, else pending."""
    family = (answer.status or 0) // 100
    if family == SUCCESS:
        return DeliveryState.DELIVERED
    return DeliveryState.FAILED if family == CLIENT_ERROR or tries >= most else DeliveryState.PENDING


@contextmanager
def _told(webhook_id: str) -> Iterator[None]:
    """Log trouble: what was claimed then is claimed again when its lease is over."""
    try:
        yield
    except StoreError as error:
        logger.warning("deliveries to webhook %s wait: %s", webhook_id, error)
    except Exception:
        logger.exception("deliveries to webhook %s wait", webhook_id)


def _tell(delivery: Delivery, answer: Answer, state: DeliveryState) -> None:
    """Count and log a try; never what was sent, nor where to."""
    outcome = "retried" if state is DeliveryState.PENDING else str(state)
    metrics.WEBHOOK_ATTEMPTS.labels(delivery.event_type, outcome).inc()
    metrics.WEBHOOK_SECONDS.labels(delivery.event_type).observe(answer.milliseconds / 1000)
    told = {
        "webhook": delivery.webhook_id,
        "delivery": delivery.delivery_id,
        "event": delivery.event_type,
        "outcome": outcome,
        "status": answer.status,
        "error": answer.error,
        "attempt": delivery.tries,
        "duration_ms": answer.milliseconds,
    }
    words = delivery.event_type, delivery.delivery_id, f"attempt {delivery.tries}", outcome, answer.status
    line = " ".join(str(word or "-") for word in (*words, answer.error, f"{answer.milliseconds} ms"))
    logger.info("%s", line, extra={TOLD: told})


async def _tidy(store: Store) -> None:
    now, since = datetime.now(UTC), await deliveries.longest_waiting(store)
    metrics.WEBHOOK_PENDING_AGE.set(max((now - since).total_seconds(), 0.0) if since is not None else 0.0)
    await deliveries.sweep(store, now)


async def _every(seconds: float, act: Callable[[], Awaitable[object]]) -> None:
    while True:
        pause = seconds
        try:
            await act()
        except StoreError as error:
            logger.warning("webhooks wait: %s", error)
            pause = max(seconds, AFTER_TROUBLE_SECONDS)
        except Exception:
            logger.exception("webhooks wait")
            pause = max(seconds, AFTER_TROUBLE_SECONDS)
        await asyncio.sleep(pause)
