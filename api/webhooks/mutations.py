"""The mutations by which administrators make, change, test and replay webhooks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any

import strawberry

from api import access
from api.costs import WRITE
from api.errors import ApiError
from api.global_ids import key_of
from api.idempotency import request_of
from api.requests import Asked
from api.session import Session
from api.user_errors import UserErrorCode, Wrong, recording, typed_errors
from api.webhooks import signing
from api.webhooks.addresses import Refused, check_url
from api.webhooks.inputs import (
    CreateWebhookInput,
    CreateWebhookPayload,
    DeleteWebhookInput,
    DeleteWebhookPayload,
    ReplayDeliveryInput,
    ReplayDeliveryPayload,
    RotateWebhookSecretInput,
    RotateWebhookSecretPayload,
    SendTestWebhookInput,
    SendTestWebhookPayload,
    UpdateWebhookInput,
    UpdateWebhookPayload,
)
from api.webhooks.types import Webhook, WebhookDelivery
from graph import deliveries, webhooks
from graph.deliveries import Delivery
from graph.errors import NotFound
from graph.once import Request
from graph.outbox import event, new_id
from graph.words import WebhookEvent


@strawberry.type
class WebhookMutations:
    """A part of the root of mutations."""

    @strawberry.mutation(
        description="Let an address be told what happens, and learn the secret that signs it; for administrators.",
        directives=[WRITE],
    )
    @typed_errors(CreateWebhookPayload)
    async def create_webhook(
        self,
        info: Asked,
        input: Annotated[CreateWebhookInput, strawberry.argument(description="Where to, and what of.")],  # noqa: A002
    ) -> CreateWebhookPayload:
        """Write a webhook."""
        session = _administrators(info)
        made = await _create(session, input)
        return CreateWebhookPayload(webhook=Webhook.of(made), secret=_secret(session, made))

    @strawberry.mutation(
        description="Change where a webhook is, what it is told of, or whether it is; for administrators.",
        directives=[WRITE],
    )
    @typed_errors(UpdateWebhookPayload)
    async def update_webhook(
        self,
        info: Asked,
        input: Annotated[UpdateWebhookInput, strawberry.argument(description="Which, and what.")],  # noqa: A002
    ) -> UpdateWebhookPayload:
        """Write what changes of a webhook."""
        return UpdateWebhookPayload(webhook=Webhook.of(await _update(_administrators(info), input)))

    @strawberry.mutation(
        description="Delete a webhook, its deliveries, and what waits for it; for administrators.", directives=[WRITE]
    )
    @typed_errors(DeleteWebhookPayload)
    async def delete_webhook(
        self,
        info: Asked,
        input: Annotated[DeleteWebhookInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> DeleteWebhookPayload:
        """Delete a webhook."""
        session = _administrators(info)
        return DeleteWebhookPayload(deleted=await webhooks.delete(session.services.store, _key(input.id, "Webhook")))

    @strawberry.mutation(
        description="Give a webhook a new secret. For 24 hours the one before signs, too; for administrators.",
        directives=[WRITE],
    )
    @typed_errors(RotateWebhookSecretPayload)
    async def rotate_webhook_secret(
        self,
        info: Asked,
        input: Annotated[RotateWebhookSecretInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> RotateWebhookSecretPayload:
        """Write that the next secret holds."""
        session = _administrators(info)
        with _changing():
            rotated = await webhooks.rotate(
                session.services.store, _key(input.id, "Webhook"), session.now, input.expected_version
            )
        return RotateWebhookSecretPayload(webhook=Webhook.of(rotated), secret=_secret(session, rotated))

    @strawberry.mutation(
        description="Send a `ping` to a webhook, by the way that events take; for administrators.", directives=[WRITE]
    )
    @typed_errors(SendTestWebhookPayload)
    async def send_test_webhook(
        self,
        info: Asked,
        input: Annotated[SendTestWebhookInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> SendTestWebhookPayload:
        """Write a delivery of a ping."""
        session = _administrators(info)
        webhook_id, ping = _key(input.id, "Webhook"), event(WebhookEvent.PING, session.now, {})
        with recording():
            sent = await deliveries.send(
                session.services.store, webhook_id, ping, _request(session, "sendTestWebhook", input)
            )
        return SendTestWebhookPayload(delivery=_found(session, sent, "webhook"))

    @strawberry.mutation(
        description="Deliver an event to its webhook once more, whatever became of it; for administrators.",
        directives=[WRITE],
    )
    @typed_errors(ReplayDeliveryPayload)
    async def replay_delivery(
        self,
        info: Asked,
        input: Annotated[ReplayDeliveryInput, strawberry.argument(description="What.")],  # noqa: A002
    ) -> ReplayDeliveryPayload:
        """Write another delivery of the same event."""
        session = _administrators(info)
        delivery_id = _key(input.id, "WebhookDelivery")
        with recording():
            again = await deliveries.replay(
                session.services.store, delivery_id, _request(session, "replayDelivery", input)
            )
        return ReplayDeliveryPayload(delivery=_found(session, again, "delivery"))


def _administrators(info: Asked) -> Session:
    session = info.context.session
    access.require(session.viewer, access.SERVES_WEBHOOKS, "webhooks")
    return session


async def _create(session: Session, given: CreateWebhookInput) -> webhooks.Webhook:
    url, kinds = _url(session, given.url), _kinds(given.events)
    with _changing():
        made = await webhooks.create(
            session.services.store, url, kinds, request_of(session, "createWebhook", given), enabled=given.enabled
        )
    if made is None:
        raise Wrong("url", UserErrorCode.BAD_INPUT, f"There are {webhooks.MOST} webhooks, the most that may be.")
    return made


async def _update(session: Session, given: UpdateWebhookInput) -> webhooks.Webhook:
    changed: dict[str, Any] = {}
    if given.url is not None:
        changed["url"] = _url(session, given.url)
    if given.events is not None:
        changed["event_types"] = list(_kinds(given.events))
    if given.enabled is not None:
        changed["enabled"] = given.enabled
    with _changing():
        return await webhooks.change(
            session.services.store, _key(given.id, "Webhook"), changed, given.expected_version
        )  # fmt: skip


def _url(session: Session, url: str) -> str:
    try:
        check_url(url, session.services.webhooks)
    except Refused as refused:
        raise Wrong("url", UserErrorCode.BAD_INPUT, str(refused)) from refused
    return url


def _kinds(events: Sequence[WebhookEvent]) -> tuple[WebhookEvent, ...]:
    if not events or WebhookEvent.PING in events:
        raise Wrong("events", UserErrorCode.BAD_INPUT, "Name one event or more; a PING is sent by sendTestWebhook.")
    return tuple(dict.fromkeys(events))


def _key(node_id: str, type_name: str) -> str:
    try:
        return key_of(node_id, type_name)
    except ApiError as error:
        raise Wrong("id", UserErrorCode.BAD_INPUT, str(error)) from error


def _request(session: Session, mutation: str, given: Any) -> Request:
    """Return a request whose delivery's id comes after those of earlier ones, as pages go by it."""
    return replace(request_of(session, mutation, given), recorded_as=new_id(session.now))


def _found(session: Session, delivery: Delivery | None, what: str) -> WebhookDelivery:
    if delivery is None:
        raise Wrong("id", UserErrorCode.NOT_FOUND, f"There is no such {what}.")
    return WebhookDelivery.of(session, delivery)


def _secret(session: Session, webhook: webhooks.Webhook) -> str:
    return signing.secret(webhook, session.services.webhooks.secret)


@contextmanager
def _changing() -> Iterator[None]:
    """Raise as ``Wrong`` what the graph refuses to change."""
    try:
        with recording():
            yield
    except NotFound as error:
        raise Wrong("id", UserErrorCode.NOT_FOUND, str(error)) from error
