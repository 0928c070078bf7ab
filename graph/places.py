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
from graph.store import Row, Run, Store
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
  CASE WHEN kind = '{OutcomeKind.DISMISS}' THEN o.at END AS dismissed,
  CASE WHEN o.place = '{ProgrammePlace.WITHIN}' THEN 1 ELSE 0 END AS told
WITH code, product_code, customer_no, taker, min(accepted) AS first, max(accepted) AS last,
  max(dismissed) AS dismissed, max(told) AS within
WHERE last IS NOT NULL AND (dismissed IS NULL OR last >= dismissed)
"""
COUNTED: Final = f"{PLACES} RETURN code, count(*) AS n"
TAKEN: Final = f"{PLACES} RETURN customer_no, first"
BEFORE: Final = f"""
{PLACES} AND (taker <> $customer_no OR product_code <> $product_code) AND (first < $first OR within = 1)
RETURN count(*) AS n
"""
"""Other places than one: those taken before it, and those that are told to be within the contract already."""

TURN: Final = "MATCH (g:Programme {programme_code: $code}) SET g.places_told = coalesce(g.places_told, 0) + 1"
"""Of those who accept at once one after another is told his place, as each changes the programme first."""
SAID: Final = f"""
MATCH (c:Customer {{customer_no: $customer_no}})-[:ANSWERED]->(o:Outcome {{product_code: $product_code}})
WHERE o.at >= $since AND o.kind IN ['{OutcomeKind.ACCEPT}', '{OutcomeKind.DISMISS}'] AND o.outcome_id <> $outcome_id
RETURN o.kind AS kind, o.at AS at, o.place AS place ORDER BY o.at DESC, o.kind
"""
"""What a customer has said of a product beside one outcome, the latest first."""
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
    found = await store.read(TAKEN, products=_since(since, products), until=until)
    return [Place(row["first"], row["customer_no"] != "") for row in found]


async def stand(
    store: Store, outcome: Mapping[str, Any], programme: Programme, products: Sequence[str]
) -> ProgrammePlace | None:
    """Return how the place that an acceptance took stands to a programme's contract, and keep it: that is said once.

    None, which is not kept, where it took none: it is of before the contract or before the customer's latest dismissal,
    or places are not counted. However many accept at once, as many are within as the contract has places.
    """
    if "place" in outcome:
        return ProgrammePlace(outcome["place"])
    terms, since = programme.terms, beginning(programme.starts_on)
    if terms is None or not terms.is_counted or outcome["at"] < since:
        return None

    async def work(run: Run) -> ProgrammePlace | None:
        await run(TURN, {"code": programme.programme_code})
        number = await _number(run, outcome, products, since)
        if number is None:
            return None
        told = await run(STAND, {"outcome_id": outcome["outcome_id"], "place": terms.place(number)})
        return ProgrammePlace(told[0]["place"]) if told else None

    return await store.transact(work)


async def _number(run: Run, outcome: Mapping[str, Any], products: Sequence[str], since: datetime) -> int | None:
    """Return which place from 1 on an acceptance took, and None where it took none.

    Who accepts again what he has a place by has that place: 0 where he was told that it is within, and where he was
    told nothing, as there was no contract, that of his first acceptance.
    """
    own = {name: outcome[name] for name in ("outcome_id", "customer_no", "product_code")}
    said = await run(SAID, own | {"since": since})
    latest = said[0] if said else {}
    if latest.get("kind") == OutcomeKind.DISMISS and latest["at"] > outcome["at"]:
        return None
    if latest.get("place") == ProgrammePlace.WITHIN:
        return 0
    first = outcome["at"]
    if latest.get("kind") == OutcomeKind.ACCEPT and latest["place"] is None:
        first = min(word["at"] for word in said if word["kind"] == OutcomeKind.ACCEPT)
    before = await run(BEFORE, own | {"products": _since(since, products), "until": None, "first": first})
    return int(before[0]["n"]) + 1


def _since(since: datetime, products: Sequence[str]) -> list[Row]:
    return [{"programme_code": "", "product_code": code, "since": since} for code in products]
