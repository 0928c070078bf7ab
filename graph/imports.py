"""Writes a bank's rows: one batch is one transaction, and a row that is already there unchanged is not written.

Every row is ``{"key": …, "digest": …, "properties": {…}}``. The digest, kept as ``row_digest``, tells an unchanged
row by reading alone. Foreign keys stay among the properties beside the relationships made of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from graph.migrations import EDGE_KEYS, NODE_KEYS
from graph.store import Statement, Store

ImportRow: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Link:
    """A relationship made of a foreign key; ``inward`` points from the named node to the row's."""

    kind: str
    label: str
    column: str
    inward: bool = False


@dataclass(frozen=True, slots=True)
class NodeImport:
    """A table whose rows are nodes."""

    label: str
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class EdgeImport:
    """A table whose rows are relationships: kind, then (label, column) of either end."""

    kind: str
    start: tuple[str, str]
    end: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Imported:
    """Rows of one batch, by what became of them."""

    created: int
    updated: int
    unchanged: int


IMPORTS: Final[Mapping[str, NodeImport | EdgeImport]] = {
    "partners": NodeImport("Partner"),
    "programmes": NodeImport("Programme", (Link("RUN_BY", "Partner", "partner_code"),)),
    "managers": NodeImport("Manager"),
    "products": NodeImport("Product", (Link("PART_OF", "Programme", "programme_code"),)),
    "customers": NodeImport("Customer", (Link("MANAGES", "Manager", "manager_no", inward=True),)),
    "holdings": EdgeImport("HOLDS", ("Customer", "customer_no"), ("Product", "product_code")),
    "accounts": NodeImport(
        "Account", (Link("OWNS", "Customer", "customer_no", inward=True), Link("OF", "Product", "product_code"))
    ),
    "cards": NodeImport(
        "Card",
        (
            Link("CARRIES", "Customer", "customer_no", inward=True),
            Link("OF", "Product", "product_code"),
            Link("DRAWS_ON", "Account", "account_no"),
            Link("UNDER", "Programme", "programme_code"),
            Link("SUPPLEMENTS", "Card", "principal_card_no"),
        ),
    ),
    "memberships": EdgeImport("MEMBER_OF", ("Customer", "customer_no"), ("Programme", "programme_code")),
    "relations": EdgeImport("RELATED", ("Customer", "from_customer_no"), ("Customer", "to_customer_no")),
    "activity": NodeImport("Activity", (Link("HAD", "Account", "account_no", inward=True),)),
    "interactions": NodeImport(
        "Interaction",
        (Link("DID", "Customer", "customer_no", inward=True), Link("ABOUT", "Product", "product_code")),
    ),
}
GIVEN_CONSENT: Final = "WITH row, n, CASE WHEN n.consent_at IS NULL THEN null ELSE n.marketing_consent END AS given"
"""What a customer said himself holds against the bank's files."""


async def missing_keys(store: Store, table: str, keys: Sequence[str]) -> set[str]:
    """Return those of the keys that name no node of a table."""
    target = IMPORTS[table]
    if not isinstance(target, NodeImport):
        raise TypeError(f"{table} has no nodes")
    found = await store.read(
        f"UNWIND $keys AS key MATCH (n:{target.label} {{{NODE_KEYS[target.label]}: key}}) RETURN key", keys=keys
    )
    return set(keys) - {row["key"] for row in found}


async def import_rows(store: Store, table: str, rows: Sequence[ImportRow]) -> Imported:
    """Write a table's rows, whole or not at all; every key stands in ``rows`` once, every reference exists."""
    target = IMPORTS[table]
    digests = {row["key"]: row["digest"] for row in await store.read(_digests(target), rows=_identities(target, rows))}
    created = [row for row in rows if row["key"] not in digests]
    updated = [row for row in rows if digests.get(row["key"], row["digest"]) != row["digest"]]
    if created or updated:
        writes = _node_writes if isinstance(target, NodeImport) else _edge_writes
        await store.write_all([*writes(target, created, updated)])
    return Imported(len(created), len(updated), len(rows) - len(created) - len(updated))


def _identities(target: NodeImport | EdgeImport, rows: Sequence[ImportRow]) -> list[dict[str, Any]]:
    if isinstance(target, NodeImport):
        return [{"key": row["key"]} for row in rows]
    return [{"key": row["key"], "start": row["properties"][target.start[1]]} for row in rows]


def _digests(target: NodeImport | EdgeImport) -> str:
    if isinstance(target, NodeImport):
        found = f"(n:{target.label} {{{NODE_KEYS[target.label]}: row.key}})"
    else:
        label = target.start[0]
        found = (
            f"(:{label} {{{NODE_KEYS[label]}: row.start}})-[n:{target.kind} {{{EDGE_KEYS[target.kind]}: row.key}}]->()"
        )
    return f"UNWIND $rows AS row MATCH {found} RETURN row.key AS key, n.row_digest AS digest"


def _node_writes(target: Any, created: Sequence[ImportRow], updated: Sequence[ImportRow]) -> list[Statement]:
    own = f"(n:{target.label} {{{NODE_KEYS[target.label]}: row.key}})"
    changed = [*created, *updated]
    change = "SET n += row.properties, n.row_digest = row.digest"
    if target.label == "Customer":
        change = f"{GIVEN_CONSENT} {change} SET n.marketing_consent = coalesce(given, n.marketing_consent)"
    statements: list[Statement] = [(f"UNWIND $rows AS row MERGE {own} {change}", {"rows": changed})]
    for link in target.links:
        old = f"<-[r:{link.kind}]-" if link.inward else f"-[r:{link.kind}]->"
        new = old.replace("r:", ":")
        if updated:
            keys = [{"key": row["key"]} for row in updated]
            statements.append((f"UNWIND $rows AS row MATCH {own}{old}() DELETE r", {"rows": keys}))
        pairs = [
            {"key": row["key"], "other": row["properties"][link.column]}
            for row in changed
            if row["properties"].get(link.column) is not None
        ]
        other = f"(o:{link.label} {{{NODE_KEYS[link.label]}: row.other}})"
        if pairs:
            statements.append((f"UNWIND $rows AS row MATCH {own} MATCH {other} CREATE (n){new}(o)", {"rows": pairs}))
    return statements


def _edge_writes(target: Any, created: Sequence[ImportRow], updated: Sequence[ImportRow]) -> list[Statement]:
    key = EDGE_KEYS[target.kind]
    ends = [f"({name}:{label} {{{NODE_KEYS[label]}: row.properties.{column}}})"
            for name, (label, column) in (("s", target.start), ("e", target.end))]  # fmt: skip
    change = f"SET r += row.properties, r.row_digest = row.digest, r.{key} = row.key"
    statements: list[Statement] = []
    if created:
        create = (
            f"UNWIND $rows AS row MATCH {ends[0]} MATCH {ends[1]} CREATE (s)-[r:{target.kind} {{{key}: row.key}}]->(e)"
        )
        statements.append((f"{create} {change}", {"rows": created}))
    if updated:
        update = f"UNWIND $rows AS row MATCH {ends[0]}-[r:{target.kind} {{{key}: row.key}}]->() {change}"
        statements.append((update, {"rows": updated}))
    return statements
