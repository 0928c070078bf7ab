"""What administrators read of webhooks."""

from typing import Annotated

import strawberry

from api import access
from api.costs import PAGED, assumed
from api.errors import ApiError, Code
from api.global_ids import key_of
from api.requests import Asked
from api.types.relay import NOT_GIVEN_HERE, After, Before, Connection, First, Last, Paging, Place, connection
from api.webhooks.types import Webhook, WebhookDelivery
from graph import deliveries, webhooks
from graph.deliveries import Filter, Window
from graph.words import DeliveryState


@strawberry.type
class WebhookQueries:
    """A part of the root of queries."""

    @strawberry.field(
        description="The webhooks, the oldest first; for administrators.", directives=[assumed(webhooks.MOST)]
    )
    async def webhooks(self, info: Asked) -> list[Webhook]:
        """All webhooks."""
        session = info.context.session
        access.require(session.viewer, access.SERVES_WEBHOOKS, "webhooks")
        return [Webhook.of(found) for found in await webhooks.every(session.services.store)]

    @strawberry.field(
        description="What was sent, or is to be sent, to webhooks, the newest first; for administrators.",
        directives=[PAGED],
    )
    async def webhook_deliveries(
        self,
        info: Asked,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        webhook: Annotated[strawberry.ID | None, strawberry.argument(description="To this webhook.")] = None,
        state: Annotated[DeliveryState | None, strawberry.argument(description="Of which this became.")] = None,
    ) -> Connection[WebhookDelivery]:
        """A page of deliveries."""
        session, paging = info.context.session, Paging.of(first, after, last, before)
        access.require(session.viewer, access.SERVES_WEBHOOKS, "webhooks")
        store = session.services.store
        wanted = Filter(key_of(webhook, "Webhook") if webhook is not None else None, state)
        window = Window(_id(paging.after), _id(paging.before), paging.count + 1, paging.backward)
        return connection(
            await deliveries.page(store, wanted, window),
            paging,
            lambda found: (found.delivery_id,),
            lambda found: WebhookDelivery.of(session, found),
            lambda: deliveries.count(store, wanted),
        )


def _id(place: Place | None) -> str | None:
    if place is not None and len(place) != 1:
        raise ApiError(Code.BAD_INPUT, NOT_GIVEN_HERE)
    return place[0] if place else None
