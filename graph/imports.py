"""Writes a bank's rows: one batch is one transaction, and a row that is already there unchanged is not written.

Every row is ``{"key": …, "digest": …, "properties": {…}}``. The digest, kept as ``row_digest``, tells an unchanged
row by reading alone. Foreign keys stay among the properties beside the relationships made of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from neo4j.exceptions import ConstraintError

from graph import consents, searching
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


Target: TypeAlias = NodeImport | EdgeImport
IMPORTS: Final[Mapping[str, Target]] = {
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
    "consents": NodeImport("Consent", (Link("SAID", "Customer", "customer_no", inward=True),)),
}
WRITES: Final = 5
"""How often a batch is tried while others write the same rows."""
CONSENT_BEFORE: Final = "WITH row, n, n.marketing_consent AS before, n.consent_at IS NOT NULL AS own"
CONSENT_AFTER: Final = """
SET n.marketing_consent = CASE
  WHEN own THEN before
  WHEN before IS NULL THEN row.properties.marketing_consent
  ELSE coalesce(row.properties.marketing_consent, false) END
"""
"""What a customer said himself holds against the customers file; its empty cell takes back a yes of before."""


async def missing_keys(store: Store, table: str, keys: Sequence[str]) -> set[str]:
    """Return those of the keys that name no node of a table."""
    target = IMPORTS[table]
    if not isinstance(target, NodeImport):
        raise TypeError(f"{table} has no nodes")
    found = await store.read(
        f"UNWIND $keys AS key MATCH (n:{target.label} {{{NODE_KEYS[target.label]}: key}}) RETURN key", keys=keys
    )
    return set(keys) - {row["key"] for row in found}


async def is_empty(store: Store, table: str) -> bool:
    """Whether the graph has no row of a table yet."""
    return not await store.read(f"{rows_of(table)} RETURN 1 AS n LIMIT 1")


def rows_of(table: str) -> str:
    """Return the Cypher that binds ``n`` to each row of a table."""
    target = IMPORTS[table]
    return f"MATCH (n:{target.label})" if isinstance(target, NodeImport) else f"MATCH ()-[n:{target.kind}]->()"


async def import_rows(store: Store, table: str, rows: Sequence[ImportRow], *, fresh: bool = False) -> Imported:
    """Write a table's rows, whole or not at all; every key stands in ``rows`` once, every reference exists.

    ``fresh`` rows are taken to be new without a look. Where that is wrong, as where another load writes the same rows
    at the same time, the keys' uniqueness refuses the transaction, and what is there is read and compared.
    """
    target = IMPORTS[table]
    for _ in range(WRITES - 1):
        try:
            return await _import(store, target, rows, {} if fresh else await _digests(store, target, rows))
        except ConstraintError:
            fresh = False
    return await _import(store, target, rows, await _digests(store, target, rows))


async def _import(store: Store, target: Target, rows: Sequence[ImportRow], digests: Mapping[str, str]) -> Imported:
    created = [row for row in rows if row["key"] not in digests]
    updated = [row for row in rows if digests.get(row["key"], row["digest"]) != row["digest"]]
    if created or updated:
        await store.write_all(_writes(target, created, updated))
    return Imported(len(created), len(updated), len(rows) - len(created) - len(updated))


async def _digests(store: Store, target: Target, rows: Sequence[ImportRow]) -> dict[str, str]:
    """Digests by key of those rows that are there."""
    if isinstance(target, NodeImport):
        found = f"(n:{target.label} {{{NODE_KEYS[target.label]}: row.key}})"
        named = [{"key": row["key"]} for row in rows]
    else:
        (label, column), key = target.start, EDGE_KEYS[target.kind]
        found = f"(:{label} {{{NODE_KEYS[label]}: row.start}})-[n:{target.kind} {{{key}: row.key}}]->()"
        named = [{"key": row["key"], "start": row["properties"][column]} for row in rows]
    cypher = f"UNWIND $rows AS row MATCH {found} RETURN row.key AS key, n.row_digest AS digest"
    return {row["key"]: row["digest"] for row in await store.read(cypher, rows=named)}


def _writes(target: Target, created: Sequence[ImportRow], updated: Sequence[ImportRow]) -> list[Statement]:
    if isinstance(target, NodeImport):
        if target.label == "Consent":
            return consents.file_writes(created, updated)
        return _node_writes(target, created, updated)
    return _edge_writes(target, created, updated)


def _node_writes(target: NodeImport, created: Sequence[ImportRow], updated: Sequence[ImportRow]) -> list[Statement]:
    own = f"(n:{target.label} {{{NODE_KEYS[target.label]}: row.key}})"
    change = "SET n += row.properties, n.row_digest = row.digest"
    statements: list[Statement] = []
    if target.label == "Customer":
        created, updated = [_searchable(row) for row in created], [_searchable(row) for row in updated]
        change = f"{CONSENT_BEFORE} {change} {CONSENT_AFTER}"
        statements = consents.column_writes(updated, datetime.now(UTC)) if updated else []
    if created:
        create = f"UNWIND $rows AS row CREATE (n:{target.label}) SET n = row"
        # One link is made along with its row: half the work of finding every row again for it.
        for link in target.links[:1]:
            create += f" WITH n, row {_linked(link, f'row.{link.column}')}"
        statements.append((create, {"rows": [_known(row, NODE_KEYS[target.label]) for row in created]}))
    if updated:
        statements.append((f"UNWIND $rows AS row MATCH {own} {change}", {"rows": updated}))
    for number, link in enumerate(target.links):
        if updated:
            keys = [{"key": row["key"]} for row in updated]
            statements.append((f"UNWIND $rows AS row MATCH {own}{_arrow(link, 'r')}() DELETE r", {"rows": keys}))
        pairs = [
            {"key": row["key"], "other": row["properties"][link.column]}
            for row in (*(created if number else ()), *updated)
            if row["properties"].get(link.column) is not None
        ]
        if pairs:
            statements.append((f"UNWIND $rows AS row MATCH {own} {_linked(link, 'row.other')}", {"rows": pairs}))
    return statements


def _edge_writes(target: EdgeImport, created: Sequence[ImportRow], updated: Sequence[ImportRow]) -> list[Statement]:
    key = EDGE_KEYS[target.kind]
    (start, column), (end, other) = target.start, target.end
    starts = f"UNWIND $rows AS row MATCH (s:{start} {{{NODE_KEYS[start]}: "
    statements: list[Statement] = []
    if created:
        create = (
            f"{starts}row.{column}}}) MATCH (e:{end} {{{NODE_KEYS[end]}: row.{other}}}) "
            f"CREATE (s)-[r:{target.kind}]->(e) SET r = row"
        )
        statements.append((create, {"rows": [_known(row, key) for row in created]}))
    if updated:
        update = (
            f"{starts}row.properties.{column}}})-[r:{target.kind} {{{key}: row.key}}]->() "
            "SET r += row.properties, r.row_digest = row.digest"
        )
        statements.append((update, {"rows": updated}))
    return statements


def _searchable(row: ImportRow) -> ImportRow:
    return {**row, "properties": {**row["properties"], **searching.keys(row["properties"])}}


def _known(row: ImportRow, key: str) -> dict[str, Any]:
    """A row's properties that are known, with its key and digest."""
    known = {name: value for name, value in row["properties"].items() if value is not None}
    return known | {key: row["key"], "row_digest": row["digest"]}


def _linked(link: Link, key: str) -> str:
    return f"MATCH (o:{link.label} {{{NODE_KEYS[link.label]}: {key}}}) CREATE (n){_arrow(link)}(o)"


def _arrow(link: Link, name: str = "") -> str:
    return f"<-[{name}:{link.kind}]-" if link.inward else f"-[{name}:{link.kind}]->"
