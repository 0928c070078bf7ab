"""What a programme's report counts: members by what they are, and what became of offers, month by month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from graph.places import taken
from graph.records import Members
from graph.store import Store
from graph.words import OutcomeKind

MEMBERS: Final = """
MATCH (c:Customer)-[m:MEMBER_OF]->(:Programme {programme_code: $code})
RETURN m.role AS role, m.since AS since, m.until AS until, m.reference IS NOT NULL AS has_reference,
  count(DISTINCT c) AS count
"""
OUTCOMES: Final = """
UNWIND $products AS code
MATCH (o:Outcome {product_code: code, kind: $kind}) WHERE o.at >= $since AND o.at < $until
RETURN coalesce(o.customer_no, '') AS customer_no, min(o.at) AS first, count(o) AS n
"""


@dataclass(frozen=True, slots=True)
class Reached:
    """A customer, by when an outcome of the programme's offers was first his, and how often it was.

    ``is_known`` is false for what is left of erased customers, who are nobody any more.
    """

    first: datetime
    count: int
    is_known: bool


async def members(store: Store, code: str) -> list[Members]:
    """Return who ever was a member."""
    return [Members(**row) for row in await store.read(MEMBERS, code=code)]


async def reached(
    store: Store, products: Sequence[str], kind: OutcomeKind, since: datetime, until: datetime
) -> list[Reached]:
    """Return whom offers of some products had an outcome of a kind with, from a moment on and before another.

    Who accepted is who has a place of the contract (``graph.places``).
    """
    if kind is OutcomeKind.ACCEPT:
        return [Reached(own.first, 1, own.is_known) for own in await taken(store, products, since, until)]
    rows = await store.read(OUTCOMES, products=products, kind=kind, since=since, until=until)
    return [Reached(row["first"], row["n"], row["customer_no"] != "") for row in rows]
