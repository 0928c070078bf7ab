"""The query by which administrators read the audit log; reading it is in the log, too."""

from datetime import datetime
from typing import Annotated

import strawberry

from api import access
from api.acts import note_log_read
from api.costs import PAGED
from api.errors import ApiError, Code
from api.requests import Asked
from api.types.audit import AuditEntry
from api.types.relay import NOT_GIVEN_HERE, After, Before, Connection, First, Last, Paging, Place, connection
from graph.audit import BEYOND_ALL, Wanted
from graph.audit_entries import AuditOutcome, stamp


@strawberry.type
class AuditQueries:
    """A part of the root of queries."""

    @strawberry.field(
        description="The audit log, the newest entry first; for administrators. Reading it is recorded.",
        directives=[PAGED],
    )
    async def audit_entries(
        self,
        info: Asked,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        customer_no: Annotated[str | None, strawberry.argument(description="About this customer.")] = None,
        actor: Annotated[str | None, strawberry.argument(description="By this actor.")] = None,
        outcome: Annotated[AuditOutcome | None, strawberry.argument(description="With this outcome.")] = None,
        since: Annotated[datetime | None, strawberry.argument(description="At this moment or later.")] = None,
        until: Annotated[datetime | None, strawberry.argument(description="Before this moment.")] = None,
    ) -> Connection[AuditEntry]:
        """A page of the log."""
        session, paging = info.context.session, Paging.of(first, after, last, before)
        access.require(session.viewer, access.SEES_AUDIT_LOG, "the audit log")
        note_log_read(customer_no)
        log = session.services.trail.log
        wanted = Wanted(
            log.key.pseudonym(customer_no) if customer_no is not None else None,
            actor,
            outcome.value if outcome else None,
            _stamp(since),
            _stamp(until),
        )
        # The newest come first: what is after a cursor has a lower number.
        found = await log.page(
            wanted,
            paging.count + 1,
            after=_number(paging.before, 0),
            before=_number(paging.after, BEYOND_ALL),
            newest=not paging.backward,
        )
        return connection(
            found, paging, lambda entry: (str(entry["entry_no"]),), AuditEntry.of, lambda: log.count(wanted)
        )


def _stamp(at: datetime | None) -> str | None:
    if at is None:
        return None
    if at.tzinfo is None:
        raise ApiError(Code.BAD_INPUT, "Say the time zone, as in 2026-01-31T09:00:00Z.")
    return stamp(at)


def _number(place: Place | None, otherwise: int) -> int:
    if place is None:
        return otherwise
    if len(place) != 1 or not (place[0].isascii() and place[0].isdecimal() and len(place[0]) < 19):
        raise ApiError(Code.BAD_INPUT, NOT_GIVEN_HERE)
    return int(place[0])
