"""The subscriptions."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from api.errors import ApiError, Code
from api.requests import Asked
from api.types.customers import Customer


@strawberry.type(description="All that can be listened to.")
class Subscription:
    """The root of subscriptions."""

    @strawberry.subscription(
        description="The customer, whenever his offers may have changed through this server process: an outcome, an "
        "interaction, consent, or a new model. It ends when the token expires."
    )
    async def offers_changed(
        self, info: Asked, customer_no: Annotated[str, strawberry.argument(description="The customer's number.")]
    ) -> AsyncGenerator[Customer, None]:
        """Listen to one customer."""
        session = info.context.session
        await session.customer_or_error(customer_no)
        async with aclosing(session.services.changes.of(customer_no, session.viewer.expires_at)) as changes:
            async for _ in changes:
                now = info.context.session
                yield Customer.of(now, await now.customer_or_error(customer_no))
        raise ApiError(Code.UNAUTHENTICATED, "The token has expired.")
