"""What customers said of being offered something, and what holds by it."""

from collections.abc import Sequence
from datetime import datetime
from functools import cmp_to_key
from typing import Final

import strawberry

from api import access
from api.roles import Viewer
from api.types.relay import Connection, Paging, Place, page_of
from graph import records
from graph.words import Channel, ConsentSource, Purpose
from recommenders.view import CustomerView

GRANTED_INSTEAD: Final = "Use `granted` (since 2026-11-26, removed after 2027-11-26)"


@strawberry.type(description="What holds of a customer's consent to a purpose on a channel.")
class ConsentState:
    """What his words come to, of one purpose and channel."""

    purpose: Purpose = strawberry.field(description="To what.")
    channel: Channel = strawberry.field(description="Where.")
    granted: bool | None = strawberry.field(
        description="His latest word about the channel or all channels; null where he never spoke of the purpose."
    )
    allowed: bool = strawberry.field(
        description="Whether the bank may: by his words, or where he never spoke of it, as the purpose says."
    )


@strawberry.type(description="A customer's word on a purpose. It is never changed; a later one holds instead.")
class ConsentStatement:
    """A part of the history."""

    purpose: Purpose = strawberry.field(description="To what.")
    channel: Channel | None = strawberry.field(description="The channel it is about; null for every channel.")
    granted: bool = strawberry.field(description="Whether he consented.")
    at: datetime | None = strawberry.field(
        description="When he said so; null where the bank's file does not tell, and before all others."
    )
    source: ConsentSource = strawberry.field(description="By what way it came.")
    version: int = strawberry.field(description="The customer's `consentVersion` that it made.")
    recorded_by: str | None = strawberry.field(
        description="Role and subject of who recorded it; null for files, and for the customer himself."
    )

    @classmethod
    def of(cls, viewer: Viewer, said: records.Consent) -> "ConsentStatement":
        """Make the type of a record."""
        return cls(
            purpose=said.purpose,
            channel=said.channel,
            granted=said.granted,
            at=said.at,
            source=said.source,
            version=said.version,
            recorded_by=said.recorded_by if access.sees_recorders(viewer) else None,
        )


@strawberry.type(description="What was said to `setConsent`.")
class Consent:
    """A consent as it was recorded."""

    purpose: Purpose = strawberry.field(description="To what.")
    channel: Channel | None = strawberry.field(description="The channel it is about; null for every channel.")
    granted: bool = strawberry.field(description="Whether he consented.")
    marketing: bool = strawberry.field(
        description="The same as `granted`, whatever the purpose.", deprecation_reason=GRANTED_INSTEAD
    )
    version: int = strawberry.field(description="The customer's `consentVersion` that this made.")
    at: datetime = strawberry.field(description="When.")

    @classmethod
    def of(cls, said: records.Consent, at: datetime) -> "Consent":
        """Make the type of what was said at a moment."""
        return cls(
            purpose=said.purpose,
            channel=said.channel,
            granted=said.granted,
            marketing=said.granted,
            version=said.version,
            at=at,
        )


def states(view: CustomerView) -> list[ConsentState]:
    """Return what holds for each purpose on each channel."""
    return [
        ConsentState(
            purpose=purpose,
            channel=channel,
            granted=view.said_of(purpose, channel),
            allowed=view.consents_to(purpose, channel),
        )
        for purpose in Purpose
        for channel in Channel
    ]


def page_of_history(viewer: Viewer, said: Sequence[records.Consent], paging: Paging) -> Connection[ConsentStatement]:
    """Return a page of what was said, the latest first."""
    return page_of(said, paging, _place, lambda one: ConsentStatement.of(viewer, one), cmp_to_key(_later_first))


def _place(said: records.Consent) -> Place:
    return (said.at.isoformat(timespec="microseconds") if said.at else "", f"{said.version:09}")


def _later_first(one: Place, other: Place) -> int:
    return (one < other) - (one > other)
