"""What the bank holds on a customer, and the proof that it holds nothing any more."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from api.costs import assumed
from graph import erasures


@strawberry.type(description="Everything the bank holds on a customer, and derives of him.")
class AccessReport:
    """An access report."""

    customer_no: str = strawberry.field(description="The customer's number.")
    schema: str = strawberry.field(
        description="Of `document`: `guanxi.access-report/` and a number, which changes when keys go or mean another "
        "thing, not when some are added."
    )
    generated_at: datetime = strawberry.field(description="When it was made.")
    document: JSON = strawberry.field(description="The report; docs/data-protection.md tells its keys.")


@strawberry.type(description="How much of a kind was removed.")
class ErasedPart:
    """A part of what was held, and how much it was."""

    part: str = strawberry.field(description="The part's key in the access report.")
    count: int = strawberry.field(description="How many records.")


@strawberry.type(description="The proof that a customer was erased. It bears no name and no number.")
class Erasure:
    """A proof."""

    erasure_id: str = strawberry.field(description="Its id.")
    digest: str = strawberry.field(
        description="HMAC-SHA256 of the customer's number under the bank's erasure secret, in hexadecimal."
    )
    at: datetime = strawberry.field(description="When.")
    by: str = strawberry.field(description="The token's subject, or the operating system's user, that asked for it.")
    reason: str = strawberry.field(description="Why, in the words of who asked for it.")
    removed: list[ErasedPart] = strawberry.field(description="What was removed.", directives=[assumed(20)])

    @classmethod
    def of(cls, erasure: erasures.Erasure) -> "Erasure":
        """Make the type of a proof."""
        return cls(
            erasure_id=erasure.erasure_id,
            digest=erasure.digest,
            at=erasure.at,
            by=erasure.by,
            reason=erasure.reason,
            removed=[ErasedPart(part=part, count=count) for part, count in erasure.counts.items()],
        )
