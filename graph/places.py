"""Counts who takes part in programmes: the one reading of outcomes by which contracts end and partners are reported to.

A customer takes one place by each product that he accepts, however often he says so, and whatever he accepts it of.
His latest word holds: one who dismisses the product later gives the place back, one who accepts it again has it again.
What is left of erased customers can be put together no more, and each of their acceptances stays a place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from graph.records import Programme
from graph.store import Row, Store
from graph.terms import beginning
from graph.words import OutcomeKind, ProgrammePlace

PLACES: Final = f"""
UNWIND $products AS row
UNWIND ['{OutcomeKind.ACCEPT}', '{OutcomeKind.DISMISS}'] AS kind
MATCH (o:Outcome {{product_code: row.product_code, kind: kind}})
WHERE o.at >= row.since AND ($until IS NULL OR o.at < $until)
WITH row.programme_code AS code, row.product_code AS product_code,
  coalesce(o.customer_no, '') AS customer_no, coalesce(o.customer_no, o.outcome_id) AS taker,
  CASE WHEN kind = '{OutcomeKind.ACCEPT}' THEN o.at END AS accepted,
  CASE WHEN kind = '{OutcomeKind.DISMISS}' THEN o.at END AS dismissed
WITH code, product_code, customer_no, taker, min(accepted) AS first, max(accepted) AS last, max(dismissed) AS dismissed
WHERE last IS NOT NULL AND (dismissed IS NULL OR last >= dismissed)
"""
COUNTED: Final = f"{PLACES} RETURN code, count(*) AS n"
TAKEN: Final = f"{PLACES} RETURN customer_no, first"

KEPT: Final = f"""
MATCH (c:Customer {{customer_no: $customer_no}})-[:ANSWERED]->(o:Outcome {{product_code: $product_code}})
WHERE o.at >= $since AND o.kind IN ['{OutcomeKind.ACCEPT}', '{OutcomeKind.DISMISS}'] AND o.outcome_id <> $outcome_id
RETURN o.place AS place ORDER BY o.at DESC, o.kind LIMIT 1
"""
STAND: Final = """
MATCH (o:Outcome {outcome_id: $outcome_id}) SET o.place = coalesce(o.place, $place) RETURN o.place AS place
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A place by when it was first taken; ``is_known`` is false for what is left of erased customers."""

    first: datetime
    is_known: bool


async def counted(store: Store, products: Sequence[Row]) -> dict[str, int]:
    """Return how many places are taken by programme; rows have ``programme_code``, ``product_code`` and ``since``."""
    return {row["code"]: row["n"] for row in await store.read(COUNTED, products=products, until=None)}


async def taken(store: Store, products: Sequence[str], since: datetime, until: datetime) -> list[Place]:
    """Return the places that some products' customers have, by what they said from a moment on and before another."""
    rows = [{"programme_code": "", "product_code": code, "since": since} for code in products]
    found = await store.read(TAKEN, products=rows, until=until)
    return [Place(row["first"], row["customer_no"] != "") for row in found]


async def stand(
    store: Store, outcome: Mapping[str, Any], programme: Programme, products: Sequence[str]
) -> ProgrammePlace | None:
    """Return how the place that an acceptance took stands to a programme's contract, and keep it: that is said once.

    None where it is of before the contract, or places are not counted. It is counted after it was written: of several
    at once none beyond the contract is within, and one that is within may be told to be beyond. Who accepts again what
    he has a place by has that place.
    """
    if "place" in outcome:
        return ProgrammePlace(outcome["place"])
    terms, since = programme.terms, beginning(programme.starts_on)
    if terms is None or not terms.is_counted or outcome["at"] < since:
        return None
    rows = [{"programme_code": "", "product_code": code, "since": since} for code in products]
    own = {name: outcome[name] for name in ("outcome_id", "customer_no", "product_code")}
    before = await store.read(KEPT, **own, since=since)
    has_one = bool(before) and before[0]["place"] == ProgrammePlace.WITHIN
    place = terms.place(0 if has_one else (await counted(store, rows)).get("", 0))
    told = await store.write(STAND, outcome_id=outcome["outcome_id"], place=place)
    return ProgrammePlace(told[0]["place"]) if told else place
