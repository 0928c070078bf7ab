"""Writes what came back from customers: interactions and outcomes of offers. Each request is written once."""

from collections.abc import Mapping
from typing import Any, Final

from graph.errors import KeyReused, NotFound
from graph.once import CLAIM, Request, write_once
from graph.outbox import TELL, moment_key, outcome_events
from graph.records import Interaction, Outcome
from graph.store import Store
from graph.words import Channel

LOCKED: Final = """
MATCH (c:Customer {customer_no: $customer_no}) SET c.customer_no = c.customer_no
WITH c
"""
"""Setting the number to itself locks the customer: an erasure, or another word of consent, comes before it or after."""
INTERACTION: Final = f"""
{LOCKED}
{CLAIM}
MERGE (i:Interaction {{interaction_id: $recorded_as}})
ON CREATE SET i += $properties, i.customer_no = $customer_no
MERGE (c)-[:DID]->(i)
WITH i
OPTIONAL MATCH (p:Product {{product_code: $product_code}})
FOREACH (about IN CASE WHEN p IS NULL THEN [] ELSE [p] END | MERGE (i)-[:ABOUT]->(about))
"""
STORED_INTERACTION: Final = "MATCH (i:Interaction {interaction_id: $recorded_as}) RETURN properties(i) AS stored"
OUTCOME: Final = f"""
{LOCKED}
{CLAIM}
MERGE (o:Outcome {{outcome_id: $recorded_as}})
ON CREATE SET o += $properties
MERGE (c)-[:ANSWERED]->(o)
WITH o
UNWIND $events AS event
{TELL}
"""
STORED_OUTCOME: Final = "MATCH (o:Outcome {outcome_id: $recorded_as}) RETURN properties(o) AS stored"


async def record_interaction(store: Store, customer_no: str, interaction: Interaction, request: Request) -> Interaction:
    """Write an interaction once, under the id that the request has for it; return what is stored.

    The product exists if one is named.

    Raises:
        NotFound: there is no such customer.
        KeyReused: the request's key stands for another input.
    """
    properties = {
        "channel": interaction.channel,
        "kind": interaction.kind,
        "at": interaction.at,
        "product_code": interaction.product_code,
        "note": interaction.note,
    }
    own = await _recorded(
        store,
        (INTERACTION, STORED_INTERACTION),
        request,
        customer_no=customer_no,
        product_code=interaction.product_code,
        properties={name: value for name, value in properties.items() if value is not None},
    )
    return _interaction(own)


async def interaction_of(store: Store, interaction_id: str) -> tuple[str, Interaction] | None:
    """Return whose an interaction is, and the interaction; None where none was recorded under that id."""
    found = await store.read(STORED_INTERACTION, recorded_as=interaction_id)
    return (found[0]["stored"]["customer_no"], _interaction(found[0]["stored"])) if found else None


async def record_outcome(
    store: Store, customer_no: str, outcome: Outcome, decision: Mapping[str, Any], request: Request
) -> Mapping[str, Any]:
    """Write an outcome once, with the decision it answers, and tell webhooks; return the properties that are stored.

    Raises:
        NotFound: there is no such customer.
        KeyReused: the request's key stands for another input.
    """
    properties = {
        "offer_id": outcome.offer_id,
        "product_code": outcome.product_code,
        "kind": outcome.kind,
        "channel": outcome.channel,
        "at": outcome.at,
        "customer_no": customer_no,
        **decision,
    }
    return await _recorded(
        store,
        (OUTCOME, STORED_OUTCOME),
        request,
        customer_no=customer_no,
        properties=properties,
        events=[event.parameters() for event in outcome_events(customer_no, outcome, request.now)],
        due=moment_key(request.now),
    )


async def _recorded(store: Store, cypher: tuple[str, str], request: Request, **parameters: object) -> Mapping[str, Any]:
    write, read = cypher
    claim = await write_once(store, request, write, **parameters)
    if claim is None:
        raise NotFound("customer", str(parameters["customer_no"]))  # erased since he was looked for
    stored = await store.read(read, recorded_as=claim["recorded_as"])
    if not stored:
        # It was erased since, and its key not yet.
        raise KeyReused
    return dict(stored[0]["stored"])


def _interaction(own: Mapping[str, Any]) -> Interaction:
    return Interaction(
        own["interaction_id"], Channel(own["channel"]), own["kind"], own["at"], own.get("product_code"), own.get("note")
    )
