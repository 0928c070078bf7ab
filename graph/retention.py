"""Retention: what is older than it may be kept, found in one reading and removed in bounded transactions."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

from dateutil.relativedelta import relativedelta

from graph.periods import Periods
from graph.removing import REMOVED_AT_ONCE, Rule, batches, count_found, edge_rule, node_rule, remove_found
from graph.store import Store

ACCOUNTS_AT_ONCE: Final = 50
"""An account goes with every month of its activity."""


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


ACCOUNT: Final = "UNWIND $keys AS key MATCH (n:Account {account_no: key.key})"
CARD: Final = "UNWIND $keys AS key MATCH (n:Card {card_no: key.key})"
RULES: Final[Mapping[str, Rule]] = {
    "interactions": node_rule("Interaction", "interaction_id", "n.at < $moment"),
    "outcomes": node_rule("Outcome", "outcome_id", "n.at < $moment"),
    "activity": node_rule("Activity", "activity_key", "n.month < $month"),
    "holdings": edge_rule("HOLDS", "holding_key", "n.closed_on < $day"),
    "memberships": edge_rule("MEMBER_OF", "membership_key", "n.until < $day"),
    "shadowed": edge_rule("SHADOWED", "shadow_key", "n.on < $day"),
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
    if part.part != "customers":
        return await count_found(store, RULES[part.part], **part.parameters())
    return int((await store.read(f"{LOST} RETURN count(c) AS n", **part.parameters()))[0]["n"])


def remove(store: Store, part: Due) -> AsyncIterator[int]:
    """Remove what of a part other than customers is too old, and yield how much whenever some is gone."""
    return remove_found(store, RULES[part.part], **part.parameters())


async def lost(store: Store, part: Due) -> AsyncIterator[list[str]]:
    """Yield the customers who are to be erased, some at a time."""
    numbers = store.stream(f"{LOST} RETURN c.customer_no AS number", **part.parameters())
    async for batch in batches(numbers, REMOVED_AT_ONCE):
        yield [row["number"] for row in batch]
