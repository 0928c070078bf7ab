"""Webhooks: addresses that are told what happens. No secret lies here; it is derived of the id and a number."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from graph.errors import KeyReused, NotFound, VersionConflict
from graph.once import CLAIM, Request, write_once
from graph.store import Store
from graph.words import WebhookEvent

MOST: Final = 50
DELETED_AT_ONCE: Final = 10_000

CREATE: Final = f"""
OPTIONAL MATCH (w:Webhook)
WITH count(w) AS c WHERE c < $most
{CLAIM}
MERGE (w:Webhook {{webhook_id: $recorded_as}})
ON CREATE SET w += $properties, w.created_at = $now, w.version = 1, w.secret_version = 1
"""
LOCKED: Final = """
MATCH (w:Webhook {webhook_id: $webhook_id})
SET w.webhook_id = w.webhook_id
WITH w WHERE $expected IS NULL OR w.version = $expected
"""
"""Setting the id to itself locks the webhook before its version is read."""
CHANGE: Final = f"{LOCKED} SET w += $changed, w.version = w.version + 1 RETURN properties(w) AS webhook"
ROTATE: Final = f"""{LOCKED}
SET w.secret_version = w.secret_version + 1, w.rotated_at = $now, w.version = w.version + 1
RETURN properties(w) AS webhook
"""
DISABLE: Final = """
MATCH (w:Webhook {webhook_id: $webhook_id}) WHERE w.enabled SET w.enabled = false, w.version = w.version + 1
"""
ALL: Final = "MATCH (w:Webhook) RETURN properties(w) AS webhook ORDER BY w.created_at, w.webhook_id"
SOME: Final = """
UNWIND $webhook_ids AS webhook_id MATCH (w:Webhook {webhook_id: webhook_id}) RETURN properties(w) AS webhook
"""
ENABLED: Final = "MATCH (w:Webhook) WHERE w.enabled RETURN w.webhook_id AS webhook_id"
DELETE: Final = "MATCH (w:Webhook {webhook_id: $webhook_id}) WITH w, w.webhook_id AS gone DETACH DELETE w RETURN gone"
DELETE_DELIVERIES: Final = """
MATCH (d:Delivery {webhook_id: $webhook_id}) WITH d LIMIT $most DELETE d RETURN count(d) AS n
"""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address and what it is told of.

    Attributes:
        secret_version: how many secrets it has had.
        rotated_at: when it got the last of several.
    """

    webhook_id: str
    url: str
    event_types: tuple[WebhookEvent, ...]
    enabled: bool
    version: int
    secret_version: int
    created_at: datetime
    rotated_at: datetime | None = None


async def create(
    store: Store, url: str, event_types: tuple[WebhookEvent, ...], request: Request, *, enabled: bool
) -> Webhook | None:
    """Write a webhook once, and return what is stored; None where there are as many as may be.

    Raises:
        KeyReused: the request's key stands for another input, or for what was deleted since.
    """
    properties = {"url": url, "event_types": list(event_types), "enabled": enabled}
    claim = await write_once(store, request, CREATE, properties=properties, most=MOST)
    if claim is None:
        return None
    found = await some(store, [claim["recorded_as"]])
    if not found:
        raise KeyReused
    return found[0]


async def every(store: Store) -> list[Webhook]:
    """Return all webhooks, the oldest first."""
    return [of(row["webhook"]) for row in await store.read(ALL)]


async def some(store: Store, webhook_ids: list[str]) -> list[Webhook]:
    """Return those of the webhooks that exist."""
    return [of(row["webhook"]) for row in await store.read(SOME, webhook_ids=webhook_ids)]


async def one(store: Store, webhook_id: str) -> Webhook:
    """Return a webhook.

    Raises:
        NotFound: there is none of that id.
    """
    found = await some(store, [webhook_id])
    if not found:
        raise NotFound("webhook", webhook_id)
    return found[0]


async def enabled(store: Store) -> list[str]:
    """Return the ids of the webhooks that are sent to."""
    return [row["webhook_id"] for row in await store.read(ENABLED)]


async def change(store: Store, webhook_id: str, changed: dict[str, Any], expected: int | None) -> Webhook:
    """Set some of the properties of a webhook, if its version is the expected one; return it.

    Raises:
        NotFound: there is none of that id.
        VersionConflict: somebody else has changed it meanwhile.
    """
    return await _changed(store, CHANGE, webhook_id, expected, changed=changed)


async def rotate(store: Store, webhook_id: str, now: datetime, expected: int | None) -> Webhook:
    """Give a webhook its next secret; returns and raises as ``change`` does."""
    return await _changed(store, ROTATE, webhook_id, expected, now=now)


async def disable(store: Store, webhook_id: str) -> None:
    """Send to a webhook no more, until somebody enables it."""
    await store.write(DISABLE, webhook_id=webhook_id)


async def delete(store: Store, webhook_id: str) -> bool:
    """Delete a webhook and its deliveries; False where there is none."""
    found = await store.write(DELETE, webhook_id=webhook_id)
    while (await store.write(DELETE_DELIVERIES, webhook_id=webhook_id, most=DELETED_AT_ONCE))[0]["n"]:
        pass
    return bool(found)


def of(own: dict[str, Any]) -> Webhook:
    """Make a record of a webhook's properties."""
    return Webhook(**own | {"event_types": tuple(map(WebhookEvent, own["event_types"]))})


async def _changed(store: Store, cypher: str, webhook_id: str, expected: int | None, **parameters: object) -> Webhook:
    rows = await store.write(cypher, webhook_id=webhook_id, expected=expected, **parameters)
    if not rows:
        raise VersionConflict((await one(store, webhook_id)).version)
    return of(rows[0]["webhook"])
