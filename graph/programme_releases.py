"""What was told of a programme, month by month: written once, and told again as it was."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from neo4j.exceptions import ConstraintError

from graph.errors import NotFound
from graph.store import Store

Numbers: TypeAlias = Mapping[str, Mapping[str, int]]
"""Rounded counts by breakdown and group; the report's own have no breakdown: ``''``."""

RELEASES: Final = """
MATCH (r:ProgrammeRelease {contract_key: $contract})
RETURN r.month AS month, r.numbers AS numbers, r.late AS late ORDER BY month
"""
RELEASE: Final = """
MATCH (:Programme {programme_code: $code})
UNWIND $rows AS row
MERGE (r:ProgrammeRelease {release_key: row.release_key})
ON CREATE SET r.contract_key = $contract, r.month = row.month, r.numbers = row.numbers, r.late = $late,
  r.released_at = $now
"""
COMPLETE: Final = """
UNWIND $rows AS row
MATCH (r:ProgrammeRelease {release_key: row.release_key})
SET r.release_key = r.release_key
WITH r, row WHERE r.late = row.before
SET r.numbers = row.numbers, r.late = row.late
"""
"""Setting the key to itself locks a month before it is read what is late."""
DRAW: Final = """
MATCH (:Programme {programme_code: $code})
MERGE (s:ProgrammeSecret {contract_key: $contract})
ON CREATE SET s.secret = $secret
"""
DRAWN: Final = "MATCH (s:ProgrammeSecret {contract_key: $contract}) RETURN s.secret AS secret"


@dataclass(frozen=True, slots=True)
class Release:
    """What was released of a month; breakdowns that are ``late`` could not be counted, and come once they can be."""

    numbers: Numbers
    late: tuple[str, ...] = ()


async def releases(store: Store, contract: str) -> dict[str, Release]:
    """Return what was released of a contract by month, ``YYYY-MM``, the first first."""
    rows = await store.read(RELEASES, contract=contract)
    return {row["month"]: Release(json.loads(row["numbers"]), tuple(row["late"] or ())) for row in rows}


async def release(
    store: Store, contract: str, months: Mapping[str, Numbers], now: datetime, late: Sequence[str] = ()
) -> None:
    """Release months of a programme that is there, without breakdowns that are late; a released one stays as it is."""
    rows = [
        {"release_key": _key(contract, month), "month": month, "numbers": json.dumps(numbers)}
        for month, numbers in months.items()
    ]
    with suppress(ConstraintError):  # another server released them between this transaction's MERGE and its commit
        await store.write(
            RELEASE, code=_code(contract), contract=contract, rows=rows, now=now, late=list(late) if late else None
        )


async def complete(store: Store, contract: str, released: Mapping[str, Release], months: Mapping[str, Numbers]) -> None:
    """Release breakdowns of months that were late; a month that another server has added to stays as it is."""
    rows = [
        {
            "release_key": _key(contract, month),
            "before": list(released[month].late),
            "numbers": json.dumps({**numbers, **released[month].numbers}),
            "late": [name for name in released[month].late if name not in numbers] or None,
        }
        for month, numbers in months.items()
    ]
    await store.write(COMPLETE, rows=rows)


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


def _key(contract: str, month: str) -> str:
    return f"{contract}|{month}"


def _code(contract: str) -> str:
    return contract.rpartition("|")[0]
