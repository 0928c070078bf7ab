"""The subscriptions."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from api import access
from api.errors import ApiError, Code
from api.events import MOST_WAITING, Recorded
from api.requests import Asked
from api.types.customers import Customer
from api.types.holdings import Interaction
from graph import feedback


@strawberry.type(description="An interaction that was recorded through the API.")
class InteractionRecorded:
    """What a reader of interactions is told."""

    interaction: Interaction = strawberry.field(description="The interaction.")
    customer: Customer = strawberry.field(description="Whose it was, as he is now.")
    missed: int | None = strawberry.field(
        description="How many since the one told before were dropped, as they came faster than they were read; null "
        "where it is unknown, as the servers could not hear each other. What was missed is in `Customer.interactions`."
    )


@strawberry.type(description="All that can be listened to.")
class Subscription:
    """The root of subscriptions."""

    @strawberry.subscription(
        description="The customer, whenever his offers may have changed: an outcome, an interaction, consent, or a new "
        "model. A slow reader is told the latest state once, however often it changed meanwhile. Ends with the error "
        "UNAUTHENTICATED when the token expires."
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

    @strawberry.subscription(
        description="Every interaction recorded through the API, in the order in which it was recorded at one server: "
        "of the books that a manager saw when he began to listen, of all customers for administrators. "
        f"{MOST_WAITING} wait for a slow reader; of more the oldest are dropped, and `missed` says how many. Ends with "
        "the error UNAUTHENTICATED when the token expires."
    )
    async def interaction_recorded(
        self,
        info: Asked,
        customer_no: Annotated[str | None, strawberry.argument(description="Of this customer alone.")] = None,
    ) -> AsyncGenerator[InteractionRecorded, None]:
        """Listen to what happens with the customers whom a viewer serves."""
        session = info.context.session
        viewer = session.viewer
        access.require(viewer, access.SERVES_CUSTOMERS, "interactions as they are recorded")
        if customer_no is not None:
            await session.customer_or_error(customer_no)

        books = await session.books()

        def wanted(recorded: Recorded) -> bool:
            served = access.serves_book(viewer, books, recorded.manager_no)
            return served and customer_no in (None, recorded.customer_no)

        untold: int | None = 0
        async with aclosing(session.services.interactions.of(wanted, viewer.expires_at)) as happening:
            async for recorded, missed in happening:
                untold = None if untold is None or missed is None else untold + missed
                told = await _told(info, recorded, untold)
                if told is not None:
                    yield told
                    untold = 0
        raise ApiError(Code.UNAUTHENTICATED, "The token has expired.")


async def _told(info: Asked, recorded: Recorded, missed: int | None) -> InteractionRecorded | None:
    session = info.context.session
    customer = await session.relative(recorded.customer_no)
    found = await feedback.interaction_of(session.services.store, recorded.interaction_id)
    if customer is None or found is None:
        return None  # gone from the bank or the book since
    _, interaction = found
    return InteractionRecorded(
        interaction=Interaction.of(session, interaction), customer=Customer.of(session, customer), missed=missed
    )
