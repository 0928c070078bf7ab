"""The outbox of webhooks: an event is written in the transaction of what it tells of, once for each webhook.

So a server that is killed loses none, and what is rolled back, or was recorded before, is not told.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from graph.records import Outcome
from graph.words import DeliveryState, LifecycleStage, OutcomeKind, WebhookEvent

TELL: Final = f"""
MATCH (w:Webhook) WHERE w.enabled AND event.event_type IN w.event_types
MERGE (d:Delivery {{delivery_id: event.event_id + '.' + w.webhook_id}})
ON CREATE SET d += event, d.webhook_id = w.webhook_id, d.due_at = event.created_at,
  d.due_key = w.webhook_id + '|' + $due, d.state = '{DeliveryState.PENDING}', d.tries = 0
"""
"""Follows what binds ``event`` to an event's parameters, ``$due`` being ``moment_key`` of now.

A transaction that is tried again tells nothing twice.
"""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, as the body that receivers get, byte for byte.

    Attributes:
        customer_no: whom it is about, so that it can be found and erased.
    """

    event_id: str
    event_type: WebhookEvent
    body: str
    created_at: datetime
    customer_no: str | None = None

    def parameters(self) -> dict[str, Any]:
        """Return what is stored."""
        return {
            "event_id": self.event_id,
            "event_type": self.event_type,
            "body": self.body,
            "created_at": self.created_at,
            "customer_no": self.customer_no,
        }


def moment_key(at: datetime) -> str:
    """Return a moment as a text that comes after those of earlier ones.

    A delivery's ``due_key`` has its webhook and this: one index finds what is due to one webhook, the longest due
    first, however much waits for others.
    """
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%f")


def new_id(now: datetime) -> str:
    """Return an id that is like no other, and comes after those of earlier milliseconds."""
    return f"msg_{int(now.timestamp() * 1000):011x}{secrets.token_hex(10)}"


def event(kind: WebhookEvent, now: datetime, data: Mapping[str, Any], customer_no: str | None = None) -> Event:
    """Return an event whose body has ``type``, ``timestamp`` and ``data``, as Standard Webhooks recommends."""
    said = {"type": kind, "timestamp": _moment(now), "data": data}
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return Event(new_id(now), kind, body, now, customer_no)


def outcome_events(customer_no: str, outcome: Outcome, now: datetime) -> list[Event]:
    """Return what an outcome tells: itself and, where the offer was accepted, that."""
    data = {
        "customerNo": customer_no,
        "productCode": outcome.product_code,
        "outcome": outcome.kind,
        "channel": outcome.channel,
        "at": _moment(outcome.at),
    }
    kinds = [WebhookEvent.OUTCOME_RECORDED]
    if outcome.kind is OutcomeKind.ACCEPT:
        kinds.append(WebhookEvent.OFFER_ACCEPTED)
    return [event(kind, now, data, customer_no) for kind in kinds]


def stage_event(customer_no: str, before: LifecycleStage, after: LifecycleStage, day: date, now: datetime) -> Event:
    """Return what a change of a customer's lifecycle stage tells."""
    data = {"customerNo": customer_no, "from": before, "to": after, "on": day.isoformat()}
    return event(WebhookEvent.STAGE_CHANGED, now, data, customer_no)


def life_event(customer_no: str, code: str, on: date, now: datetime) -> Event:
    """Return what an event of a customer's life tells."""
    data = {"customerNo": customer_no, "event": code, "on": on.isoformat()}
    return event(WebhookEvent.LIFE_EVENT, now, data, customer_no)


def failure_event(failure: Mapping[str, str | None], count: int, since: datetime, now: datetime) -> Event:
    """Return what a way in which a plugin fails tells; ``count`` is how often it did since it first did."""
    data: dict[str, object] = {name: said for name, said in failure.items() if name != "failure_id"}
    data |= {"report": failure["failure_id"], "count": count, "since": _moment(since)}
    return event(WebhookEvent.PLUGIN_FAILED, now, data)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
