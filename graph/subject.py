"""Everything the graph holds on one customer: for his access report, and for what must go when he is erased.

Whatever a feature stores of customers has its place here; ``tests/graph/test_subject.py`` fails where it has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from graph.rows import EXTRA
from graph.store import Row, Store


@dataclass(frozen=True, slots=True)
class Owned:
    """Nodes that are a customer's own; ``path`` leads from the customer ``c`` to the node ``n``."""

    part: str
    label: str
    path: str


@dataclass(frozen=True, slots=True)
class Tie:
    """A relationship ``r`` between a customer ``c`` and what he shares with others."""

    part: str
    kind: str
    path: str


OWNED: Final = (
    Owned("accounts", "Account", "(c)-[:OWNS]->(n:Account)"),
    Owned("activity", "Activity", "(c)-[:OWNS]->(:Account)-[:HAD]->(n:Activity)"),
    Owned("cards", "Card", "(c)-[:CARRIES]->(n:Card)"),
    Owned("interactions", "Interaction", "(c)-[:DID]->(n:Interaction)"),
    Owned("outcomes", "Outcome", "(c)-[:ANSWERED]->(n:Outcome)"),
    Owned("consents", "Consent", "(c)-[:SAID]->(n:Consent)"),
    Owned("deliveries", "Delivery", "(n:Delivery {customer_no: c.customer_no})"),
)
TIES: Final = (
    Tie("holdings", "HOLDS", "(c)-[r:HOLDS]->(:Product)"),
    Tie("memberships", "MEMBER_OF", "(c)-[r:MEMBER_OF]->(:Programme)"),
    Tie("shadowed", "SHADOWED", "(c)-[r:SHADOWED]->(:Product)"),
    Tie("relations", "RELATED", "(c)-[r:RELATED]->(:Customer)"),
    Tie("relations_stated_by_others", "RELATED", "(c)<-[r:RELATED]-(:Customer)"),
)
SHARED: Final = frozenset({"Customer", "Manager", "Partner", "Product", "Programme"})
"""Labels of nodes that belong to no one customer."""
KINDS: Final = ("OWNS", "CARRIES", "DID", "ANSWERED", "SAID", "MANAGES", *dict.fromkeys(tie.kind for tie in TIES))
"""The relationships that lead from a customer to all this; what else hangs on him counts as his own as well."""
KEYS: Final = {
    "Interaction": "interaction_id", "Outcome": "outcome_id", "Consent": "consent_key", "Delivery": "delivery_id",
}  # fmt: skip
"""Owned nodes that an idempotency key may stand for, with their ids."""
TECHNICAL: Final = frozenset({
    "row_digest", "search_key", "name_key", "holding_key", "membership_key", "relation_key", "activity_key",
    "shadow_key",
})  # fmt: skip
"""Properties that are made of others, so that rows are found again."""

SUBJECT: Final = "MATCH (c:Customer {customer_no: $customer_no})"
PROFILE: Final = f"{SUBJECT} RETURN properties(c) AS own"
OTHER: Final = f"""
{SUBJECT} MATCH (c)-[r]-(n) WHERE NOT type(r) IN $kinds
RETURN type(r) AS kind, labels(n) AS labels, properties(n) AS own
"""
REQUESTS: Final = """
UNWIND $ids AS id MATCH (k:IdempotencyKey {recorded_as: id}) RETURN properties(k) AS own
"""


async def read(store: Store, customer_no: str) -> Mapping[str, Row | list[Row]] | None:
    """Return all that is held on a customer, part by part as the graph has it; None where there is no such customer.

    What the bank's files add to the format is under ``further``.
    """
    found = await store.read(PROFILE, customer_no=customer_no)
    if not found:
        return None
    parts: dict[str, Row | list[Row]] = {"profile": _told(found[0]["own"])}
    for tie in TIES:
        parts[tie.part] = await _part(store, f"{SUBJECT} MATCH {tie.path} RETURN properties(r) AS own", customer_no)
    ids = list[str]()
    for owned in OWNED:
        cypher = f"{SUBJECT} MATCH {owned.path} RETURN properties(n) AS own"
        parts[owned.part] = own = await _part(store, cypher, customer_no)
        ids += [row[KEYS[owned.label]] for row in own if owned.label in KEYS]
    parts["requests"] = [_told(row["own"]) for row in await store.read(REQUESTS, ids=ids)]
    parts["other"] = [
        {"kind": row["kind"], "labels": row["labels"], **_told(row["own"])}
        for row in await store.read(OTHER, customer_no=customer_no, kinds=list(KINDS))
        if not SHARED.intersection(row["labels"])
    ]
    return parts


async def _part(store: Store, cypher: str, customer_no: str) -> list[Row]:
    return [_told(row["own"]) for row in await store.read(cypher, customer_no=customer_no)]


def _told(own: Row) -> Row:
    known = {name: value for name, value in sorted(own.items()) if name not in TECHNICAL}
    further = {name.removeprefix(EXTRA): known.pop(name) for name in list(known) if name.startswith(EXTRA)}
    return known | ({"further": further} if further else {})
