"""Writes under an idempotency key: sent again, at once or later, a write has the effect of one.

The key's node is made in the transaction that writes what it stands for, and bears the id made for that try: who finds
his own id on it has written, and who finds another's reads what that one wrote.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from neo4j.exceptions import ConstraintError

from graph.errors import KeyReused
from graph.store import Row, Store

KEPT: Final = timedelta(days=7)
SWEPT_AT_ONCE: Final = 1_000
TRIES: Final = 5
"""How often what others write at the same time is tried."""

CLAIM: Final = """
MERGE (k:IdempotencyKey {request_key: $request_key})
ON CREATE SET k.fingerprint = $fingerprint, k.recorded_as = $recorded_as,
  k.recorded_at = $now, k.expires_at = $expires_at
WITH c, k WHERE k.recorded_as = $recorded_as
"""
"""Follows what binds the customer ``c``; what comes after it is done by the first alone."""
UNCLAIM: Final = "UNWIND $keys AS key MATCH (k:IdempotencyKey {recorded_as: key.key}) DELETE k"
"""Takes requests' keys away with what these have recorded, by its ids."""
FIND: Final = "MATCH (k:IdempotencyKey {request_key: $request_key}) RETURN properties(k) AS claim"
DROP: Final = """
MATCH (k:IdempotencyKey {request_key: $request_key}) WHERE k.expires_at <= $now DELETE k
"""
SWEEP: Final = """
MATCH (k:IdempotencyKey) WHERE k.expires_at <= $now WITH k LIMIT $most DELETE k RETURN count(k) AS n
"""


@dataclass(frozen=True, slots=True)
class Request:
    """A write that was asked for.

    Attributes:
        key: whose request it is, of what, and his key for it.
        fingerprint: a digest of its input.
        recorded_as: the id that what it writes will have, unlike any other.
    """

    key: str
    fingerprint: str
    recorded_as: str
    now: datetime


async def write_once(store: Store, request: Request, cypher: str, **parameters: object) -> Row | None:
    """Run a write that has ``CLAIM`` in it unless the request's key stands for one; return the key's properties.

    None where the write claimed nothing, as what comes before ``CLAIM`` was not met.

    Raises:
        KeyReused: the key stands for another input.
    """
    claim = await claimed(store, request)
    if claim is None:
        everything = parameters | {
            "request_key": request.key,
            "fingerprint": request.fingerprint,
            "recorded_as": request.recorded_as,
            "now": request.now,
            "expires_at": request.now + KEPT,
        }
        await _write(store, cypher, everything)
        claim = await claimed(store, request)
    return claim


async def claimed(store: Store, request: Request) -> Row | None:
    """Return the properties of a request's key; None where nothing was written under it.

    Raises:
        KeyReused: it stands for another input.
    """
    claim = await _find(store, request)
    if claim is not None and claim["fingerprint"] != request.fingerprint:
        raise KeyReused
    return claim


async def sweep(store: Store, now: datetime) -> int:
    """Delete keys that have expired, and return how many."""
    total = 0
    while swept := (await store.write(SWEEP, now=now, most=SWEPT_AT_ONCE))[0]["n"]:
        total += swept
    return total


async def _find(store: Store, request: Request) -> Row | None:
    found = await store.read(FIND, request_key=request.key)
    if not found:
        return None
    claim: Row = found[0]["claim"]
    if claim["expires_at"] > request.now:
        return claim
    await store.write(DROP, request_key=request.key, now=request.now)
    return None


async def _write(store: Store, cypher: str, parameters: Mapping[str, Any]) -> None:
    for _ in range(TRIES - 1):
        try:
            await store.write(cypher, **parameters)
        except ConstraintError:
            continue  # a key of its was written between this transaction's MERGE and its commit; now it is found
        return
    await store.write(cypher, **parameters)
