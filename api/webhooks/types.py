"""Webhooks and their deliveries, as administrators see them."""

from datetime import datetime

import strawberry

from api import access
from api.acts import note_given
from api.costs import assumed
from api.global_ids import global_id
from api.session import Session
from api.types.relay import Node
from graph import deliveries, webhooks
from graph.words import DeliveryState, WebhookEvent

MOST_ATTEMPTS = 10


@strawberry.type(description="An address that is told what happens.")
class Webhook(Node):
    """A webhook; its secret is told when it is made, and never again."""

    record: strawberry.Private[webhooks.Webhook]
    url: str = strawberry.field(description="The address that is posted to.")
    events: list[WebhookEvent] = strawberry.field(
        description="What it is told of; a `PING` it gets by `sendTestWebhook` alone.",
        directives=[assumed(len(WebhookEvent))],
    )
    enabled: bool = strawberry.field(
        description="Whether it is sent to. What happens while it is not is not kept for it; what waits for it stays. "
        "The answer 410 makes it false."
    )
    version: int = strawberry.field(
        description="How often it was changed; for `expectedVersion` of the mutations that change it."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    rotated_at: datetime | None = strawberry.field(
        description="When it got its present secret, if that is not the first; for 24 hours more the one before signs, "
        "too."
    )

    @classmethod
    def of(cls, record: webhooks.Webhook) -> "Webhook":
        """Make the type of a record."""
        return cls(
            record=record,
            url=record.url,
            events=list(record.event_types),
            enabled=record.enabled,
            version=record.version,
            created_at=record.created_at,
            rotated_at=record.rotated_at,
        )

    @strawberry.field(description="Global id.")
    def id(self) -> strawberry.ID:
        """The id of the node."""
        return global_id("Webhook", self.record.webhook_id)


@strawberry.type(description="One try to deliver an event.")
class WebhookAttempt:
    """What came of a try; of the answer's body nothing is kept."""

    at: datetime = strawberry.field(description="When it began.")
    status: int | None = strawberry.field(description="The HTTP status of the answer; null where none came.")
    error: str | None = strawberry.field(description="Why none came.")
    milliseconds: float = strawberry.field(description="How long it took.")

    @classmethod
    def of(cls, attempt: deliveries.Attempt) -> "WebhookAttempt":
        """Make the type of a record."""
        return cls(
            at=attempt.at, status=attempt.status, error=attempt.error, milliseconds=attempt.milliseconds
        )  # fmt: skip


@strawberry.type(description="An event on its way to one webhook. It is kept for 30 days.")
class WebhookDelivery(Node):
    """A delivery."""

    session: strawberry.Private[Session]
    record: strawberry.Private[deliveries.Delivery]
    event_id: str = strawberry.field(
        description="The event's id, as the header `webhook-id` has it: the same for every webhook and every replay."
    )
    event: WebhookEvent = strawberry.field(description="What it tells of.")
    state: DeliveryState = strawberry.field(description="What became of it.")
    payload: str = strawberry.field(description="The body, exactly as it is sent and signed: JSON.")
    is_replay: bool = strawberry.field(description="Whether it was made by `replayDelivery`.")
    created_at: datetime = strawberry.field(description="When it was made.")
    next_attempt_at: datetime | None = strawberry.field(
        description="When it is tried next; while a server tries it, when another would. Null where no try is to come."
    )
    attempts: list[WebhookAttempt] = strawberry.field(
        description="The tries so far, the first one first; one during which the server died is not among them.",
        directives=[assumed(MOST_ATTEMPTS)],
    )

    @classmethod
    def of(cls, session: Session, record: deliveries.Delivery) -> "WebhookDelivery":
        """Make the type of a record: whoever is given its body has read of the customer."""
        if record.customer_no is not None:
            note_given(record.customer_no)
        return cls(
            session=session,
            record=record,
            event_id=record.event_id,
            event=record.event_type,
            state=record.state,
            payload=record.body,
            is_replay=record.is_replay,
            created_at=record.created_at,
            next_attempt_at=record.due_at,
            attempts=[WebhookAttempt.of(attempt) for attempt in record.attempts],
        )

    @strawberry.field(description="Global id.")
    def id(self) -> strawberry.ID:
        """The id of the node."""
        return global_id("WebhookDelivery", self.record.delivery_id)

    @strawberry.field(description="Whom it is for; null where it was deleted just now.")
    async def webhook(self) -> Webhook | None:
        """The webhook."""
        found = await self.session.webhooks.load(self.record.webhook_id)
        return Webhook.of(found) if found else None


async def webhook(session: Session, webhook_id: str) -> Webhook | None:
    """Return a webhook by its id, if webhooks are there for the viewer."""
    if session.viewer.role not in access.SERVES_WEBHOOKS:
        return None
    found = await session.webhooks.load(webhook_id)
    return Webhook.of(found) if found else None


async def delivery(session: Session, delivery_id: str) -> WebhookDelivery | None:
    """Return a delivery by its id, if webhooks are there for the viewer."""
    if session.viewer.role not in access.SERVES_WEBHOOKS:
        return None
    found = await deliveries.one(session.services.store, delivery_id)
    return WebhookDelivery.of(session, found) if found else None
