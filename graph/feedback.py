"""Writes what came back from customers: interactions, outcomes of offers, consent. Each is written once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from neo4j.exceptions import ConstraintError

from graph.records import Interaction, Outcome
from graph.store import Store
from graph.words import Channel

INTERACTION: Final = """
MATCH (c:Customer {customer_no: $customer_no})
MERGE (i:Interaction {interaction_id: $interaction_id})
ON CREATE SET i += $properties, i.customer_no = $customer_no
WITH c, i
WHERE i.customer_no = $customer_no
MERGE (c)-[:DID]->(i)
WITH i
OPTIONAL MATCH (p:Product {product_code: $product_code})
FOREACH (about IN CASE WHEN p IS NULL THEN [] ELSE [p] END | MERGE (i)-[:ABOUT]->(about))
"""
STORED_INTERACTION: Final = """
MATCH (c:Customer)-[:DID]->(i:Interaction {interaction_id: $interaction_id})
RETURN c.customer_no AS customer_no, properties(i) AS interaction
"""
OUTCOME: Final = """
MATCH (c:Customer {customer_no: $customer_no})
MERGE (o:Outcome {idempotency_key: $idempotency_key})
ON CREATE SET o += $properties
WITH c, o
WHERE o.customer_no = $customer_no
MERGE (c)-[:ANSWERED]->(o)
"""
STORED_OUTCOME: Final = """
MATCH (o:Outcome {idempotency_key: $idempotency_key}) RETURN properties(o) AS outcome
"""
CONSENT: Final = """
MATCH (c:Customer {customer_no: $customer_no})
SET c.marketing_consent = $consent, c.consent_at = $at
RETURN c.customer_no AS customer_no
"""


async def record_interaction(store: Store, customer_no: str, interaction: Interaction) -> tuple[str, Interaction, bool]:
    """Write an interaction once by its id; return whose it is, what is stored, and whether no earlier one was.

    The customer exists, and the product if one is named.
    """
    earlier = await interaction_of(store, interaction.interaction_id)
    if earlier is not None:
        return *earlier, False
    properties = {
        "channel": interaction.channel,
        "kind": interaction.kind,
        "at": interaction.at,
        "product_code": interaction.product_code,
        "note": interaction.note,
    }
    await _write_once(
        store,
        INTERACTION,
        customer_no=customer_no,
        interaction_id=interaction.interaction_id,
        product_code=interaction.product_code,
        properties={name: value for name, value in properties.items() if value is not None},
    )
    stored = await interaction_of(store, interaction.interaction_id)
    return *(stored or (customer_no, interaction)), True


async def record_outcome(
    store: Store, customer_no: str, idempotency_key: str, outcome: Outcome, decision: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Write an outcome once by its key, with the decision it answers; return the properties that are stored."""
    stored = await store.read(STORED_OUTCOME, idempotency_key=idempotency_key)
    if stored:
        return dict(stored[0]["outcome"])
    properties = {
        "offer_id": outcome.offer_id,
        "product_code": outcome.product_code,
        "kind": outcome.kind,
        "channel": outcome.channel,
        "at": outcome.at,
        "customer_no": customer_no,
        **decision,
    }
    await _write_once(store, OUTCOME, customer_no=customer_no, idempotency_key=idempotency_key, properties=properties)
    stored = await store.read(STORED_OUTCOME, idempotency_key=idempotency_key)
    return dict(stored[0]["outcome"])


async def set_consent(store: Store, customer_no: str, at: datetime, *, consent: bool) -> bool:
    """Set consent to marketing; False where there is no such customer."""
    return bool(await store.write(CONSENT, customer_no=customer_no, consent=consent, at=at))


async def interaction_of(store: Store, interaction_id: str) -> tuple[str, Interaction] | None:
    """Return whose an interaction is, and the interaction; None where there is none."""
    found = await store.read(STORED_INTERACTION, interaction_id=interaction_id)
    if not found:
        return None
    own = found[0]["interaction"]
    return found[0]["customer_no"], Interaction(
        interaction_id, Channel(own["channel"]), own["kind"], own["at"], own.get("product_code"), own.get("note")
    )


async def _write_once(store: Store, cypher: str, **parameters: object) -> None:
    try:
        await store.write(cypher, **parameters)
    except ConstraintError:
        # The same key was written between this transaction's MERGE and its commit; now MERGE finds it.
        await store.write(cypher, **parameters)
