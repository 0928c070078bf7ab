"""Removes what rules find, in bounded transactions: interrupted, it has removed some of it; run again, the rest."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from graph.store import Store

REMOVED_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Rule:
    """What of a kind is to go.

    Attributes:
        match: binds ``n`` to it, and ``c`` to its customer where it is his relationship.
        key: the property that names it.
        removed: what deletes those that ``$keys`` name, in one transaction.
    """

    match: str
    key: str
    removed: tuple[str, ...]
    at_once: int = REMOVED_AT_ONCE


def node_rule(label: str, key: str, which: str) -> Rule:
    """Return the rule of nodes of a label that a condition on ``n`` finds."""
    named = f"UNWIND $keys AS key MATCH (n:{label} {{{key}: key.key}})"
    return Rule(f"MATCH (n:{label}) WHERE {which}", key, (f"{named} DETACH DELETE n",))


def edge_rule(kind: str, key: str, which: str) -> Rule:
    """Return the rule of customers' relationships of a kind that a condition on ``n`` finds."""
    named = f"UNWIND $keys AS key MATCH (:Customer {{customer_no: key.owner}})-[n:{kind} {{{key}: key.key}}]->()"
    return Rule(f"MATCH (c:Customer)-[n:{kind}]->() WHERE {which}", key, (f"{named} DELETE n",))


async def count_found(store: Store, rule: Rule, **parameters: Any) -> int:
    """Return how much a rule finds."""
    return int((await store.read(f"{rule.match} RETURN count(n) AS n", **parameters))[0]["n"])


async def remove_found(store: Store, rule: Rule, **parameters: Any) -> AsyncIterator[int]:
    """Remove what a rule finds, and yield how much whenever some is gone."""
    owner = "c.customer_no" if "(c:" in rule.match else "null"
    keys = store.stream(f"{rule.match} RETURN n.{rule.key} AS key, {owner} AS owner", **parameters)
    async for batch in batches(keys, rule.at_once):
        await store.write_all([(cypher, {"keys": batch}) for cypher in rule.removed])
        yield len(batch)


async def batches(rows: AsyncIterator[dict[str, Any]], most: int) -> AsyncIterator[list[dict[str, Any]]]:
    """Yield rows some at a time."""
    batch = []
    async for row in rows:
        batch.append(row)
        if len(batch) == most:
            yield batch
            batch = []
    if batch:
        yield batch
