"""Deliveries: an event on its way to one webhook, claimed for a while by the one server that sends it.

What was claimed is due again when the claim's lease is over: two servers that found the same delivery claim it once.
A claim counts a try, and that number tells whether it still stands: a server that was too slow to say what came of it
changes nothing.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from graph import webhooks
from graph.once import CLAIM, Request, write_once
from graph.outbox import Event, moment_key
from graph.store import Store
from graph.webhooks import Webhook
from graph.words import DeliveryState, WebhookEvent

KEPT: Final = timedelta(days=30)
SWEPT_AT_ONCE: Final = 10_000
LAST: Final = "~"
"""Comes after every id."""

DUE: Final = """
MATCH (w:Webhook {webhook_id: $webhook_id}) WHERE w.enabled
MATCH (d:Delivery) WHERE d.due_key >= $first AND d.due_key <= $last
RETURN d.delivery_id AS delivery_id, properties(w) AS webhook LIMIT $count
"""
"""In the order of the index, the longest due first: to sort them would read all that is due."""
TAKE: Final = """
UNWIND $due AS delivery_id
MATCH (d:Delivery {delivery_id: delivery_id})
SET d.delivery_id = d.delivery_id
WITH d WHERE d.due_at <= $now
SET d.tries = d.tries + 1, d.due_at = $until, d.due_key = $until_key
RETURN properties(d) AS delivery
"""
"""Setting the id to itself locks the delivery before it is read whether it is due: an index still finds what another
server has just claimed."""
FINISH: Final = """
MATCH (d:Delivery {delivery_id: $delivery_id})
SET d.delivery_id = d.delivery_id
WITH d WHERE d.tries = $tries
SET d.attempts = coalesce(d.attempts, []) + [$attempt], d.state = $state, d.due_at = $due_at,
  d.due_key = $due_key
RETURN d.tries AS tries
"""
SEND: Final = f"""
MATCH (c:Webhook {{webhook_id: $webhook_id}})
{CLAIM}
MERGE (d:Delivery {{delivery_id: $recorded_as}})
ON CREATE SET d += $event, d.webhook_id = $webhook_id, d.due_at = $now, d.due_key = $webhook_id + '|' + $due,
  d.state = '{DeliveryState.PENDING}', d.tries = 0
"""
REPLAY: Final = f"""
MATCH (c:Delivery {{delivery_id: $delivery_id}})
{CLAIM}
MERGE (d:Delivery {{delivery_id: $recorded_as}})
ON CREATE SET d.event_id = c.event_id, d.event_type = c.event_type, d.body = c.body, d.customer_no = c.customer_no,
  d.webhook_id = c.webhook_id, d.due_at = $now, d.due_key = c.webhook_id + '|' + $due, d.created_at = $now,
  d.state = '{DeliveryState.PENDING}', d.tries = 0, d.replay = true
"""
ONE: Final = "MATCH (d:Delivery {delivery_id: $delivery_id}) RETURN properties(d) AS delivery"
MATCHED: Final = """
MATCH (d:Delivery) WHERE d.delivery_id < $after AND d.delivery_id > $before
  AND ($webhook_id IS NULL OR d.webhook_id = $webhook_id) AND ($state IS NULL OR d.state = $state)
"""
NEWEST: Final = f"{MATCHED} RETURN properties(d) AS delivery ORDER BY d.delivery_id DESC LIMIT $count"
OLDEST: Final = f"{MATCHED} RETURN properties(d) AS delivery ORDER BY d.delivery_id LIMIT $count"
COUNT: Final = f"{MATCHED} RETURN count(d) AS n"
LONGEST_WAITING: Final = """
MATCH (w:Webhook) WHERE w.enabled
MATCH (d:Delivery) WHERE d.due_key >= w.webhook_id + '|' AND d.due_key < w.webhook_id + '}'
RETURN min(d.created_at) AS since
"""
SWEEP: Final = """
MATCH (d:Delivery) WHERE d.created_at <= $before WITH d LIMIT $most DELETE d RETURN count(d) AS n
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one try: an HTTP status or, where there was none, what went wrong."""

    at: datetime
    status: int | None
    error: str | None
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event for one webhook.

    Attributes:
        tries: how often it was claimed; one of which a server died has no attempt.
        due_at: when it is tried next, or again if the server that tries it dies.
        customer_no: whom its body tells of; None where nobody.
    """

    delivery_id: str
    webhook_id: str
    event_id: str
    event_type: WebhookEvent
    body: str
    state: DeliveryState
    tries: int
    created_at: datetime
    due_at: datetime | None
    is_replay: bool
    attempts: tuple[Attempt, ...]
    customer_no: str | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which deliveries are meant: all where nothing is said."""

    webhook_id: str | None = None
    state: DeliveryState | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """``count`` deliveries, the newest first, after or before one, read forward or backward."""

    after: str | None = None
    before: str | None = None
    count: int = 20
    backward: bool = False


async def claim(
    store: Store, webhook_id: str, count: int, now: datetime, lease: timedelta
) -> list[tuple[Webhook, Delivery]]:
    """Take up to ``count`` due deliveries of a webhook that is enabled, so that for the lease nobody else does."""
    bounds = {"first": _due_key(webhook_id, ""), "last": _due_key(webhook_id, moment_key(now))}
    due = await store.read(DUE, webhook_id=webhook_id, count=count, **bounds)
    if not due:
        return []
    webhook = webhooks.of(due[0]["webhook"])
    found = [row["delivery_id"] for row in due]
    until = now + lease
    taken = await store.write(TAKE, due=found, now=now, until=until, until_key=_due_key(webhook_id, moment_key(until)))
    return [(webhook, _delivery(row["delivery"])) for row in taken]


async def finish(
    store: Store, delivery: Delivery, attempt: Attempt, state: DeliveryState, due_at: datetime | None
) -> bool:
    """Write what came of a try, and when the next one is due; False where the claim stands no more."""
    return bool(
        await store.write(
            FINISH,
            delivery_id=delivery.delivery_id,
            tries=delivery.tries,
            attempt=json.dumps(asdict(attempt), default=datetime.isoformat),
            state=state,
            due_at=due_at,
            due_key=_due_key(delivery.webhook_id, moment_key(due_at)) if due_at is not None else None,
        )
    )


async def send(store: Store, webhook_id: str, event: Event, request: Request) -> Delivery | None:
    """Write a delivery to one webhook once, and return it; None where there is no such webhook.

    Raises:
        KeyReused: the request's key stands for another input.
    """
    written = await write_once(
        store, request, SEND, webhook_id=webhook_id, event=event.parameters(), due=moment_key(request.now)
    )
    return await one(store, written["recorded_as"]) if written else None


async def replay(store: Store, delivery_id: str, request: Request) -> Delivery | None:
    """Write a delivery of the same event once more; returns and raises as ``send`` does."""
    written = await write_once(store, request, REPLAY, delivery_id=delivery_id, due=moment_key(request.now))
    return await one(store, written["recorded_as"]) if written else None


async def one(store: Store, delivery_id: str) -> Delivery | None:
    """Return a delivery, or None where there is none of that id."""
    found = await store.read(ONE, delivery_id=delivery_id)
    return _delivery(found[0]["delivery"]) if found else None


async def page(store: Store, wanted: Filter, window: Window) -> list[Delivery]:
    """Return a window's deliveries, the newest first whichever way it is read."""
    cypher = OLDEST if window.backward else NEWEST
    bounds = {"after": window.after or LAST, "before": window.before or ""}
    rows = await store.read(cypher, **asdict(wanted), **bounds, count=window.count)
    found = [_delivery(row["delivery"]) for row in rows]
    return found[::-1] if window.backward else found


async def count(store: Store, wanted: Filter) -> int:
    """Return how many deliveries a filter lets through."""
    return int((await store.read(COUNT, **asdict(wanted), after=LAST, before=""))[0]["n"])


async def longest_waiting(store: Store) -> datetime | None:
    """Return since when the oldest delivery that is still to be sent has been, to a webhook that is enabled."""
    found = await store.read(LONGEST_WAITING)
    since: datetime | None = found[0]["since"] if found else None
    return since


async def sweep(store: Store, now: datetime) -> int:
    """Delete deliveries that are older than they are kept, and return how many."""
    total = 0
    while swept := (await store.write(SWEEP, before=now - KEPT, most=SWEPT_AT_ONCE))[0]["n"]:
        total += swept
    return total


def _due_key(webhook_id: str, moment: str) -> str:
    return f"{webhook_id}|{moment}"


def _delivery(own: dict[str, Any]) -> Delivery:
    return Delivery(
        delivery_id=own["delivery_id"],
        webhook_id=own["webhook_id"],
        event_id=own["event_id"],
        event_type=WebhookEvent(own["event_type"]),
        body=own["body"],
        state=DeliveryState(own["state"]),
        tries=own["tries"],
        created_at=own["created_at"],
        due_at=own.get("due_at"),
        is_replay=own.get("replay", False),
        attempts=tuple(_attempt(json.loads(text)) for text in own.get("attempts", ())),
        customer_no=own.get("customer_no"),
    )


def _attempt(own: dict[str, Any]) -> Attempt:
    return Attempt(**own | {"at": datetime.fromisoformat(own["at"])})
