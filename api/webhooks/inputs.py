"""What the mutations of webhooks take, and what comes of them."""

import strawberry

from api.costs import assumed
from api.mutations import SENT_AGAIN
from api.user_errors import UserError
from api.webhooks.types import Webhook, WebhookDelivery
from graph.words import WebhookEvent

EXPECTED = (
    "The `version` that was read: where it is another by now, nothing is changed. Without one, the last word holds."
)
TOLD_ONCE = (
    "The secret that signs what it is sent, `whsec_` and 32 bytes in base64. It is told here alone: keep it with the "
    "receiver."
)


@strawberry.input(description="An address, and what it is to be told of.")
class CreateWebhookInput:
    """The input of ``createWebhook``."""

    url: str = strawberry.field(description="The address to post to: `https://`, and no user or password in it.")
    events: list[WebhookEvent] = strawberry.field(description="What it is to be told of: one or more, no `PING`.")
    enabled: bool = strawberry.field(default=True, description="Whether it is sent to from now on.")
    idempotency_key: str | None = strawberry.field(
        default=None, description=f"{SENT_AGAIN} Without one each call makes a webhook."
    )


@strawberry.input(description="What is to be changed of a webhook; what is left out, or null, stays.")
class UpdateWebhookInput:
    """The input of ``updateWebhook``."""

    id: strawberry.ID = strawberry.field(description="The webhook's global id.")
    url: str | None = strawberry.field(default=None, description="The address to post to.")
    events: list[WebhookEvent] | None = strawberry.field(default=None, description="What it is to be told of.")
    enabled: bool | None = strawberry.field(default=None, description="Whether it is sent to from now on.")
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)


@strawberry.input(description="Which webhook is to be no more.")
class DeleteWebhookInput:
    """The input of ``deleteWebhook``."""

    id: strawberry.ID = strawberry.field(description="The webhook's global id.")


@strawberry.input(description="Which webhook is to get a new secret.")
class RotateWebhookSecretInput:
    """The input of ``rotateWebhookSecret``."""

    id: strawberry.ID = strawberry.field(description="The webhook's global id.")
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)


@strawberry.input(description="Which webhook is to get a ping.")
class SendTestWebhookInput:
    """The input of ``sendTestWebhook``."""

    id: strawberry.ID = strawberry.field(description="The webhook's global id.")
    idempotency_key: str | None = strawberry.field(
        default=None, description=f"{SENT_AGAIN} Without one each call sends a ping."
    )


@strawberry.input(description="What is to be delivered once more.")
class ReplayDeliveryInput:
    """The input of ``replayDelivery``."""

    id: strawberry.ID = strawberry.field(description="The delivery's global id.")
    idempotency_key: str | None = strawberry.field(
        default=None, description=f"{SENT_AGAIN} Without one each call delivers it once more."
    )


@strawberry.type
class Failing:
    """What payloads have in common."""

    errors: list[UserError] = strawberry.field(
        default_factory=list, description="What was wrong; empty when done.", directives=[assumed(5)]
    )


@strawberry.type(description="What came of `createWebhook`.")
class CreateWebhookPayload(Failing):
    """The webhook and its secret, or errors."""

    webhook: Webhook | None = strawberry.field(default=None, description="The webhook.")
    secret: str | None = strawberry.field(default=None, description=TOLD_ONCE)


@strawberry.type(description="What came of `updateWebhook`.")
class UpdateWebhookPayload(Failing):
    """The webhook, or errors."""

    webhook: Webhook | None = strawberry.field(default=None, description="The webhook, after it.")


@strawberry.type(description="What came of `rotateWebhookSecret`.")
class RotateWebhookSecretPayload(Failing):
    """The webhook and its new secret, or errors."""

    webhook: Webhook | None = strawberry.field(default=None, description="The webhook, after it.")
    secret: str | None = strawberry.field(default=None, description=TOLD_ONCE)


@strawberry.type(description="What came of `deleteWebhook`.")
class DeleteWebhookPayload(Failing):
    """Whether there was such a webhook, or errors."""

    deleted: bool = strawberry.field(default=False, description="Whether there was such a webhook; there is none now.")


@strawberry.type(description="What came of `sendTestWebhook`.")
class SendTestWebhookPayload(Failing):
    """The delivery of the ping, or errors."""

    delivery: WebhookDelivery | None = strawberry.field(default=None, description="The ping, on its way.")


@strawberry.type(description="What came of `replayDelivery`.")
class ReplayDeliveryPayload(Failing):
    """The new delivery, or errors."""

    delivery: WebhookDelivery | None = strawberry.field(
        default=None, description="The new one, of the same event and body, on its way."
    )
