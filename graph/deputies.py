"""Deputies: managers who see another's book until a day, as long as the grant stands and for that book alone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from graph.errors import NotFound
from graph.store import Store

LONGEST: Final = timedelta(days=366)
KNOWN: Final = "MATCH (m:Manager {manager_no: $manager_no}) RETURN m.manager_no AS manager_no"
GRANT: Final = """
MATCH (d:Manager {manager_no: $deputy_no}), (m:Manager {manager_no: $manager_no})
MERGE (d)-[r:DEPUTY_OF]->(m)
SET r.until = $until, r.granted_by = $granted_by, r.granted_at = $granted_at
RETURN d.manager_no AS deputy_no
"""
REVOKE: Final = """
MATCH (d:Manager {manager_no: $deputy_no})-[r:DEPUTY_OF]->(m:Manager {manager_no: $manager_no})
DELETE r
RETURN m.manager_no AS manager_no
"""
RUNNING: Final = """
MATCH (d:Manager)-[r:DEPUTY_OF]->(m:Manager)
WHERE r.until >= $today AND ($deputy_no IS NULL OR d.manager_no = $deputy_no)
RETURN DISTINCT d.manager_no AS deputy_no, m.manager_no AS manager_no, r.until AS until,
  r.granted_by AS granted_by, r.granted_at AS granted_at
ORDER BY deputy_no, manager_no
"""
BOOKS: Final = """
MATCH (:Manager {manager_no: $deputy_no})-[r:DEPUTY_OF]->(m:Manager) WHERE r.until >= $today
RETURN DISTINCT m.manager_no AS manager_no ORDER BY manager_no
"""


@dataclass(frozen=True, slots=True)
class Deputy:
    """A grant: ``deputy_no`` sees the book of ``manager_no`` up to and on the day ``until``."""

    deputy_no: str
    manager_no: str
    until: date
    granted_by: str
    granted_at: datetime


def objection(deputy: Deputy, today: date) -> tuple[str, str] | None:
    """Return why a grant cannot be, as the field that is wrong and a sentence; None where it can."""
    if deputy.deputy_no == deputy.manager_no:
        return "deputy_no", "A manager is no deputy of himself."
    if not today <= deputy.until <= today + LONGEST:
        return "until", f"A grant ends today at the earliest, and within {LONGEST.days} days."
    return None


async def grant(store: Store, deputy: Deputy) -> None:
    """Write a grant that nothing is objected to, in place of an earlier one of the same two.

    Raises:
        NotFound: a manager whom nothing was loaded of.
    """
    for manager_no in (deputy.deputy_no, deputy.manager_no):
        if not await store.read(KNOWN, manager_no=manager_no):
            raise NotFound("manager", manager_no)
    await store.write(
        GRANT,
        deputy_no=deputy.deputy_no,
        manager_no=deputy.manager_no,
        until=deputy.until,
        granted_by=deputy.granted_by,
        granted_at=deputy.granted_at,
    )


async def revoke(store: Store, deputy_no: str, manager_no: str) -> bool:
    """Take a grant back; False where there is none."""
    return bool(await store.write(REVOKE, deputy_no=deputy_no, manager_no=manager_no))


async def running(store: Store, today: date, deputy_no: str | None = None) -> list[Deputy]:
    """Return the grants that hold on a day, of all deputies or of one."""
    return [Deputy(**row) for row in await store.read(RUNNING, today=today, deputy_no=deputy_no)]


async def books(store: Store, deputy_no: str, today: date) -> list[str]:
    """Return the managers whose books a deputy sees on a day, his own not among them."""
    return [row["manager_no"] for row in await store.read(BOOKS, deputy_no=deputy_no, today=today)]
