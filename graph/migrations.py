"""The graph's schema as numbered migrations, each applied once and recorded in the graph.

Every statement is harmless when repeated, so that processes that start together may all migrate.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from neo4j.exceptions import ConstraintError

from graph.consents import SAID_SO_FAR
from graph.searching import SEARCHABLE
from graph.store import Store

NODE_KEYS: Final = {
    "Customer": "customer_no",
    "Product": "product_code",
    "Account": "account_no",
    "Card": "card_no",
    "Partner": "partner_code",
    "Programme": "programme_code",
    "Activity": "activity_key",
    "Interaction": "interaction_id",
    "Manager": "manager_no",
    "Outcome": "outcome_id",
    "Migration": "number",
    "Consent": "consent_key",
}
EDGE_KEYS: Final = {"HOLDS": "holding_key", "MEMBER_OF": "membership_key", "RELATED": "relation_key"}
BROWSED: Final = {"Customer": ("name", "region", "manager_no", "kind"), "Product": ("category",)}


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from one schema to the next; its number never changes once it is released."""

    number: int
    name: str
    statements: tuple[str, ...]


def _unique_node(label: str, key: str) -> str:
    return f"CREATE CONSTRAINT unique_{key} IF NOT EXISTS FOR (n:{label}) REQUIRE n.{key} IS UNIQUE"


def _unique_edge(kind: str, key: str) -> str:
    return f"CREATE CONSTRAINT unique_{key} IF NOT EXISTS FOR ()-[r:{kind}]-() REQUIRE r.{key} IS UNIQUE"


def _index(label: str, column: str) -> str:
    return f"CREATE INDEX {label.lower()}_{column} IF NOT EXISTS FOR (n:{label}) ON (n.{column})"


MIGRATIONS: Final = (
    Migration(
        1,
        "every business key is unique",
        tuple(_unique_node(label, key) for label, key in NODE_KEYS.items())
        + tuple(_unique_edge(kind, key) for kind, key in EDGE_KEYS.items()),
    ),
    Migration(
        2,
        "customers and products are found by what people look for",
        tuple(_index(label, column) for label, columns in BROWSED.items() for column in columns),
    ),
    Migration(
        3,
        "customers are found by a part of their number or name, and ordered by name in any case",
        (
            "CREATE TEXT INDEX customer_search_key IF NOT EXISTS FOR (n:Customer) ON (n.search_key)",
            _index("Customer", "name_key"),
            SEARCHABLE,
        ),
    ),
    Migration(
        4,
        "an idempotency key stands for one request, for some days",
        (_unique_node("IdempotencyKey", "request_key"), _index("IdempotencyKey", "expires_at")),
    ),
    Migration(
        5,
        "deliveries of webhooks are found by what is due to whom, by age and by customer",
        (
            _unique_node("Webhook", "webhook_id"),
            _unique_node("Delivery", "delivery_id"),
            *(_index("Delivery", column) for column in ("due_key", "created_at", "customer_no")),
        ),
    ),
    Migration(
        6,
        "what customers said of their consent is kept, with what they have said so far",
        (_unique_node("Consent", "consent_key"), SAID_SO_FAR),
    ),
    Migration(
        7,
        "a customer can be erased: proofs, what is nobody's, and numbers that stay gone",
        (
            _unique_node("Anonymous", "anonymous_no"),
            _unique_node("Erasure", "erasure_id"),
            _index("Erasure", "digest"),
            _unique_node("ErasedKey", "key_digest"),
            _index("IdempotencyKey", "recorded_as"),
        ),
    ),
    Migration(
        8,
        "the audit log is one chain",
        (_unique_node("AuditChain", "chain_name"), _unique_node("AuditEntry", "entry_no")),
    ),
    Migration(
        9,
        "plugins' settings have a version, and what they were before",
        (_unique_node("PluginSettings", "plugin"), _unique_node("PluginSettingsChange", "change_id")),
    ),
    Migration(
        10,
        "a plugin's stages are its history, and what it would have done in shadow is counted",
        (
            _unique_node("PluginStage", "stage_key"),
            _unique_node("PluginDay", "day_key"),
            _unique_edge("SHADOWED", "shadow_key"),
        ),
    ),
    Migration(
        11,
        "acceptances are counted by product",
        ("CREATE INDEX outcome_product_kind IF NOT EXISTS FOR (n:Outcome) ON (n.product_code, n.kind)",),
    ),
    Migration(12, "a job is done by one server at a time", (_unique_node("Job", "job_name"),)),
    Migration(13, "how often plugins failed is counted", (_unique_node("PluginFailure", "failure_id"),)),
    Migration(
        14,
        "what partners were told of a month stays as it was told",
        (
            _unique_node("ProgrammeSecret", "contract_key"),
            _unique_node("ProgrammeRelease", "release_key"),
            "CREATE INDEX release_contract IF NOT EXISTS FOR (n:ProgrammeRelease) ON (n.contract_key)",
        ),
    ),
    Migration(15, "what plugins say is theirs is remembered", (_unique_node("PluginClaim", "claim_key"),)),
)

APPLIED: Final = "MATCH (m:Migration) RETURN m.number AS number ORDER BY number"
RECORD: Final = """
MERGE (m:Migration {number: $number})
ON CREATE SET m.name = $name, m.applied_at = $applied_at
"""


async def migrate(store: Store) -> list[int]:
    """Bring the graph's schema up to date and return the numbers of the migrations applied now."""
    applied = {row["number"] for row in await store.read(APPLIED)}
    due = [migration for migration in MIGRATIONS if migration.number not in applied]
    for migration in due:
        for statement in migration.statements:
            await store.write(statement)
        await _record(store, migration)
    return [migration.number for migration in due]


async def _record(store: Store, migration: Migration) -> None:
    try:
        await store.write(RECORD, number=migration.number, name=migration.name, applied_at=datetime.now(UTC))
    except ConstraintError:
        # Another process recorded it between this transaction's MERGE and its commit.
        if migration.number not in {row["number"] for row in await store.read(APPLIED)}:
            raise
