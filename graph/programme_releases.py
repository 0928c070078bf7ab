"""What was told of a programme, month by month: written once, and told again as it was."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final, TypeAlias

from neo4j.exceptions import ConstraintError

from graph.errors import NotFound
from graph.store import Store

Numbers: TypeAlias = Mapping[str, Mapping[str, int]]
"""Rounded counts by breakdown and group; the report's own have no breakdown: ``''``."""

RELEASES: Final = """
MATCH (r:ProgrammeRelease {contract_key: $contract})
RETURN r.month AS month, r.numbers AS numbers ORDER BY month
"""
RELEASE: Final = """
MATCH (:Programme {programme_code: $code})
UNWIND $rows AS row
MERGE (r:ProgrammeRelease {release_key: row.release_key})
ON CREATE SET r.contract_key = $contract, r.month = row.month, r.numbers = row.numbers, r.released_at = $now
"""
DRAW: Final = """
MATCH (:Programme {programme_code: $code})
MERGE (s:ProgrammeSecret {contract_key: $contract})
ON CREATE SET s.secret = $secret
"""
DRAWN: Final = "MATCH (s:ProgrammeSecret {contract_key: $contract}) RETURN s.secret AS secret"


async def releases(store: Store, contract: str) -> dict[str, Numbers]:
    """Return what was released of a contract by month, ``YYYY-MM``, the first first."""
    return {row["month"]: json.loads(row["numbers"]) for row in await store.read(RELEASES, contract=contract)}


async def release(store: Store, contract: str, months: Mapping[str, Numbers], now: datetime) -> None:
    """Release months of a programme that is there; one that is released already stays as it is."""
    rows = [
        {"release_key": f"{contract}|{month}", "month": month, "numbers": json.dumps(numbers)}
        for month, numbers in months.items()
    ]
    with suppress(ConstraintError):  # another server released them between this transaction's MERGE and its commit
        await store.write(RELEASE, code=_code(contract), contract=contract, rows=rows, now=now)


async def secret(store: Store, contract: str, drawn: str) -> str:
    """Return a contract's secret: what was drawn first.

    Raises:
        NotFound: its programme was removed, and so was the secret.
    """
    with suppress(ConstraintError):  # another server's was first
        await store.write(DRAW, code=_code(contract), contract=contract, secret=drawn)
    found = await store.read(DRAWN, contract=contract)
    if not found:
        raise NotFound("programme", _code(contract))
    return str(found[0]["secret"])


def _code(contract: str) -> str:
    return contract.rpartition("|")[0]
