"""Retention: what is older than it may be kept, found in one reading and removed in bounded transactions.

Interrupted, it has removed some of it; run again, it removes the rest.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

from dateutil.relativedelta import relativedelta

from graph.periods import Periods
from graph.store import Store

REMOVED_AT_ONCE: Final = 1_000
ACCOUNTS_AT_ONCE: Final = 50
"""An account goes with every month of its activity."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What of a kind is too old.

    Attributes:
        match: binds ``n`` to it, and ``c`` to its customer where it is his relationship.
        key: the property that names it.
        removed: what deletes those that ``$keys`` name, in one transaction.
    """

    match: str
    key: str
    removed: tuple[str, ...]
    at_once: int = REMOVED_AT_ONCE


@dataclass(frozen=True, slots=True)
class Due:
    """A part that is kept for a time, and the first day that is still kept."""

    part: str
    since: date

    def parameters(self) -> dict[str, Any]:
        """Return the day as queries compare it: as a day, a moment and a month."""
        return {
            "day": self.since,
            "moment": datetime.combine(self.since, time(), UTC),
            "month": f"{self.since:%Y-%m}",
        }


def _node(label: str, key: str, old: str) -> Rule:
    named = f"UNWIND $keys AS key MATCH (n:{label} {{{key}: key.key}})"
    return Rule(f"MATCH (n:{label}) WHERE {old}", key, (f"{named} DETACH DELETE n",))


def _edge(kind: str, key: str, old: str) -> Rule:
    named = f"UNWIND $keys AS key MATCH (:Customer {{customer_no: key.owner}})-[n:{kind} {{{key}: key.key}}]->()"
    return Rule(f"MATCH (c:Customer)-[n:{kind}]->() WHERE {old}", key, (f"{named} DELETE n",))


ACCOUNT: Final = "UNWIND $keys AS key MATCH (n:Account {account_no: key.key})"
CARD: Final = "UNWIND $keys AS key MATCH (n:Card {card_no: key.key})"
RULES: Final[Mapping[str, Rule]] = {
    "interactions": _node("Interaction", "interaction_id", "n.at < $moment"),
    "outcomes": _node("Outcome", "outcome_id", "n.at < $moment"),
    "activity": _node("Activity", "activity_key", "n.month < $month"),
    "holdings": _edge("HOLDS", "holding_key", "n.closed_on < $day"),
    "memberships": _edge("MEMBER_OF", "membership_key", "n.until < $day"),
    "shadowed": _edge("SHADOWED", "shadow_key", "n.on < $day"),
    "cards": Rule(
        "MATCH (n:Card) WHERE n.expires_on < $day",
        "card_no",
        (f"{CARD}<-[:SUPPLEMENTS]-(o:Card) REMOVE o.principal_card_no", f"{CARD} DETACH DELETE n"),
    ),
    "accounts": Rule(
        "MATCH (n:Account) WHERE n.closed_on < $day",
        "account_no",
        (
            f"{ACCOUNT}<-[:DRAWS_ON]-(o:Card) REMOVE o.account_no",
            f"{ACCOUNT}-[:HAD]->(y:Activity) DETACH DELETE y",
            f"{ACCOUNT} DETACH DELETE n",
        ),
        ACCOUNTS_AT_ONCE,
    ),
}
LOST: Final = """
MATCH (c:Customer)
WHERE (c.joined_on < $day OR (c.joined_on IS NULL AND (EXISTS { (c)-[:HOLDS]->() } OR EXISTS { (c)-[:OWNS]->() })))
  AND NOT EXISTS { MATCH (c)-[h:HOLDS]->() WHERE h.closed_on IS NULL OR h.closed_on >= $day }
  AND NOT EXISTS { MATCH (c)-[:OWNS]->(a:Account) WHERE a.closed_on IS NULL OR a.closed_on >= $day }
  AND NOT EXISTS { MATCH (c)-[:CARRIES]->(k:Card) WHERE k.expires_on IS NULL OR k.expires_on >= $day }
  AND NOT EXISTS { MATCH (c)-[m:MEMBER_OF]->() WHERE m.until IS NULL OR m.until >= $day }
  AND NOT EXISTS { MATCH (c)<-[g:RELATED]-() WHERE g.kind = 'guarantor' }
  AND NOT EXISTS { MATCH (c)-[:DID]->(i:Interaction) WHERE i.at >= $moment }
  AND NOT EXISTS { MATCH (c)-[:ANSWERED]->(t:Outcome) WHERE t.at >= $moment }
  AND NOT EXISTS { MATCH (c)-[:OWNS]->(:Account)-[:HAD]->(y:Activity) WHERE y.month >= $month }
"""
"""Who has nothing open, guarantees for nobody, and gave no sign since a day. Of whom nothing is dated stays."""


def due(periods: Periods, today: date) -> Iterator[Due]:
    """Yield the parts that are kept for a time, customers first: what they had tells how long they are gone."""
    months = {part: kept for part, kept in asdict(periods).items() if kept is not None}
    for part in sorted(months, key=lambda part: part != "customers"):
        yield Due(part, today - relativedelta(months=months[part]))


async def count(store: Store, part: Due) -> int:
    """Return how much of a part is too old."""
    match, what = (LOST, "c") if part.part == "customers" else (RULES[part.part].match, "n")
    return int((await store.read(f"{match} RETURN count({what}) AS n", **part.parameters()))[0]["n"])


async def remove(store: Store, part: Due) -> AsyncIterator[int]:
    """Remove what of a part other than customers is too old, and yield how much whenever some is gone."""
    rule = RULES[part.part]
    owner = "c.customer_no" if "(c:" in rule.match else "null"
    keys = store.stream(f"{rule.match} RETURN n.{rule.key} AS key, {owner} AS owner", **part.parameters())
    async for batch in _batches(keys, rule.at_once):
        await store.write_all([(cypher, {"keys": batch}) for cypher in rule.removed])
        yield len(batch)


async def lost(store: Store, part: Due) -> AsyncIterator[list[str]]:
    """Yield the customers who are to be erased, some at a time."""
    numbers = store.stream(f"{LOST} RETURN c.customer_no AS number", **part.parameters())
    async for batch in _batches(numbers, REMOVED_AT_ONCE):
        yield [row["number"] for row in batch]


async def _batches(rows: AsyncIterator[dict[str, Any]], most: int) -> AsyncIterator[list[dict[str, Any]]]:
    batch = []
    async for row in rows:
        batch.append(row)
        if len(batch) == most:
            yield batch
            batch = []
    if batch:
        yield batch
