"""The audit log, as administrators read it."""

import json
from datetime import UTC, datetime
from typing import Any, Self

import strawberry
from strawberry.scalars import JSON

from api.costs import assumed
from api.vocabularies import described
from graph import audit_entries

described(
    "What was done.",
    READ="Customers' data were read.",
    WRITE="A mutation was called, or a command wrote.",
    ENTER="Somebody came with a token that is not valid.",
)(audit_entries.AuditAction)
described(
    "What came of it.",
    ALLOWED="It was done.",
    DENIED="It was refused, or asked for what is not there for who asked.",
    FAILED="It was wrong, or not brought to an end: `codes` says why.",
)(audit_entries.AuditOutcome)


@strawberry.type(description="Something that staff, a customer or a command did, or was denied. It is never changed.")
class AuditEntry:
    """An entry of the log."""

    entry_no: int = strawberry.field(description="Its number: the entries of a log are 1, 2, 3 and so on.")
    at: datetime = strawberry.field(description="When.")
    actor: str = strawberry.field(
        description="Who: a token's subject, `customer` and his pseudonym, `user` and the name of one of the server's, "
        "or `address` and where a token came from that is not valid."
    )
    role: str | None = strawberry.field(description="The token's role; null where there was none.")
    action: audit_entries.AuditAction = strawberry.field(description="What was done.")
    outcome: audit_entries.AuditOutcome = strawberry.field(description="What came of it.")
    operation: str = strawberry.field(description="The fields of the operation's root, or the command.")
    codes: list[str] = strawberry.field(description="Of what was told instead.", directives=[assumed(5)])
    subjects: list[str] = strawberry.field(
        description="Pseudonyms of the customers it was about; `customerNo` of `auditEntries` finds one by number.",
        directives=[assumed(20)],
    )
    request_id: str | None = strawberry.field(description="The request's id; null for a command.")
    details: JSON | None = strawberry.field(
        description="What else there is to tell: `fields`, the mutations with their codes; `left_out`, how many more "
        "attempts of the minute are not told one by one; numbers of a command. Null where there is nothing."
    )
    hash: str = strawberry.field(description="The hash that chains it to the entry before.")

    @classmethod
    def of(cls, entry: dict[str, Any]) -> Self:
        """Make the type of an entry."""
        return cls(
            entry_no=entry["entry_no"],
            at=datetime.fromisoformat(entry["at"]).astimezone(UTC),
            actor=entry["actor"],
            role=entry["role"] or None,
            action=audit_entries.AuditAction(entry["action"]),
            outcome=audit_entries.AuditOutcome(entry["outcome"]),
            operation=entry["operation"],
            codes=entry["codes"],
            subjects=entry["subjects"],
            request_id=entry["request_id"] or None,
            details=json.loads(entry["details"]) or None,
            hash=entry["hash"],
        )
