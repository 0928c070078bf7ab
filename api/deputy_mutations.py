"""The mutations by which administrators say who sees whose book, and until when."""

from datetime import date
from typing import Annotated

import strawberry

from api import access
from api.costs import WRITE, assumed
from api.requests import Asked
from api.types.deputies import Deputy
from api.user_errors import UserError, UserErrorCode, Wrong, typed_errors
from graph import deputies
from graph.errors import NotFound

FIELDS = {"deputy_no": "deputyNo", "until": "until"}


@strawberry.input(description="Who sees whose book, and until when.")
class GrantDeputyInput:
    """The input of ``grantDeputy``."""

    deputy_no: str = strawberry.field(description="The manager who is to see the book.")
    manager_no: str = strawberry.field(description="The manager whose book it is.")
    until: date = strawberry.field(description="The last day, in UTC; within 366 days.")


@strawberry.type(description="What came of `grantDeputy`.")
class GrantDeputyPayload:
    """The grant, or errors."""

    deputy: Deputy | None = strawberry.field(default=None, description="The grant.")
    errors: list[UserError] = strawberry.field(
        default_factory=list, description="What was wrong; empty when stored.", directives=[assumed(5)]
    )


@strawberry.input(description="Who is to see whose book no more.")
class RevokeDeputyInput:
    """The input of ``revokeDeputy``."""

    deputy_no: str = strawberry.field(description="The manager who sees the book.")
    manager_no: str = strawberry.field(description="The manager whose book it is.")


@strawberry.type(description="What came of `revokeDeputy`.")
class RevokeDeputyPayload:
    """Whether there was such a grant."""

    revoked: bool = strawberry.field(description="Whether there was such a grant; there is none now.")


@strawberry.type
class DeputyMutations:
    """A part of the root of mutations."""

    @strawberry.mutation(
        description="Let a relationship manager see the book of another until a day, in place of an earlier grant to "
        "him; for administrators.",
        directives=[WRITE],
    )
    @typed_errors(GrantDeputyPayload)
    async def grant_deputy(
        self,
        info: Asked,
        input: Annotated[GrantDeputyInput, strawberry.argument(description="Who, whose and until when.")],  # noqa: A002
    ) -> GrantDeputyPayload:
        """Write a grant."""
        session = info.context.session
        access.require(session.viewer, access.SERVES_DEPUTIES, "deputies")
        given = deputies.Deputy(input.deputy_no, input.manager_no, input.until, session.viewer.subject, session.now)
        objection = deputies.objection(given, session.today)
        if objection is not None:
            field, sentence = objection
            raise Wrong(FIELDS[field], UserErrorCode.BAD_INPUT, sentence)
        try:
            await deputies.grant(session.services.store, given)
        except NotFound as error:
            field = "deputyNo" if error.key == given.deputy_no else "managerNo"
            raise Wrong(field, UserErrorCode.NOT_FOUND, str(error)) from error
        return GrantDeputyPayload(deputy=Deputy.of(given))

    @strawberry.mutation(description="End a deputy's grant now; for administrators.", directives=[WRITE])
    async def revoke_deputy(
        self,
        info: Asked,
        input: Annotated[RevokeDeputyInput, strawberry.argument(description="Who and whose.")],  # noqa: A002
    ) -> RevokeDeputyPayload:
        """Delete a grant."""
        session = info.context.session
        access.require(session.viewer, access.SERVES_DEPUTIES, "deputies")
        return RevokeDeputyPayload(
            revoked=await deputies.revoke(session.services.store, input.deputy_no, input.manager_no)
        )
