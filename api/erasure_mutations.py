"""The mutation by which administrators erase a customer."""

from typing import Annotated

import strawberry

from api import access
from api.costs import WRITE, assumed
from api.requests import Asked
from api.session import Session
from api.types.subjects import Erasure
from api.user_errors import UserError, UserErrorCode, Wrong, typed_errors
from graph.erasures import LONGEST_REASON, Order
from graph.errors import NotFound, StillOpen
from recommenders.erasing import erase


@strawberry.input(description="Who is to be erased, and why.")
class EraseCustomerInput:
    """The input of ``eraseCustomer``."""

    customer_no: str = strawberry.field(description="The customer's number.")
    reason: str = strawberry.field(
        description=f"Why, {LONGEST_REASON} characters at most. It is kept with the proof: name nobody in it."
    )
    despite_open_holdings: bool = strawberry.field(
        default=False,
        description="Erase although he has something open on credit or an account that is not closed, or guarantees "
        "for who has credit.",
    )


@strawberry.type(description="What came of `eraseCustomer`.")
class EraseCustomerPayload:
    """The proof, or errors."""

    erasure: Erasure | None = strawberry.field(default=None, description="The proof.")
    errors: list[UserError] = strawberry.field(
        default_factory=list, description="What was wrong; empty when erased.", directives=[assumed(5)]
    )


@strawberry.type
class ErasureMutations:
    """A part of the root of mutations."""

    @strawberry.mutation(
        description="Erase a customer for good: all that is held on him goes, the bank's sums stay, and a proof is "
        "kept. Asked for again, it answers with that proof, so it takes no idempotency key. For administrators.",
        directives=[WRITE],
    )
    @typed_errors(EraseCustomerPayload)
    async def erase_customer(
        self,
        info: Asked,
        input: Annotated[EraseCustomerInput, strawberry.argument(description="Whom and why.")],  # noqa: A002
    ) -> EraseCustomerPayload:
        """Erase a customer."""
        session = info.context.session
        access.require(session.viewer, access.ERASES_CUSTOMERS, "erasures")
        return EraseCustomerPayload(erasure=await _erase(session, input))


async def _erase(session: Session, given: EraseCustomerInput) -> Erasure:
    if not 0 < len(given.reason.strip()) <= LONGEST_REASON:
        raise Wrong("reason", UserErrorCode.BAD_INPUT, f"A reason has 1 to {LONGEST_REASON} characters.")
    order = Order(
        given.customer_no, session.viewer.subject, given.reason, session.now, given.despite_open_holdings
    )  # fmt: skip
    services = session.services
    try:
        erased = await erase(services.store, services.engine.models, order, services.erasure_secret)
    except NotFound as error:
        raise Wrong("customerNo", UserErrorCode.NOT_FOUND, str(error)) from error
    except StillOpen as error:
        raise Wrong("despiteOpenHoldings", UserErrorCode.STILL_OPEN, str(error)) from error
    services.changes.publish(given.customer_no)
    session.forget(given.customer_no)
    return Erasure.of(erased)
