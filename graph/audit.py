"""The audit log in the graph: one chain of entries, to which everybody appends and which nobody changes.

An append locks the chain's node before it reads the head, so that the entries of all servers and commands are one
chain.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from neo4j.exceptions import ConstraintError

from graph.audit_entries import GENESIS, Act, AuditKey, Head
from graph.errors import StoreRefused, StoreUnavailable
from graph.store import Row, Run, Store

PAGE: Final = 1_000
OTHER_KEY: Final = (
    "The audit log was begun with another secret: give every server and command the same GUANXI_AUDIT_SECRET, or the "
    "same GUANXI_HOME."
)
CONTESTED: Final = "The audit log cannot be appended to now: too many do."
PAUSES: Final = tuple(0.01 * 1.5**turn for turn in range(12))
"""Seconds after which an entry is tried again whose number another took; 2.6 in all."""
NO_CHAIN: Final = "The audit log was tampered with: guanxi audit verify says how."

LOCK: Final = """
MERGE (c:AuditChain {chain_name: 'audit'})
ON CREATE SET c.entry_no = 0, c.hash = $genesis, c.key_name = $key_name
SET c.chain_name = c.chain_name
RETURN c.entry_no AS entry_no, c.hash AS hash, c.key_name AS key_name
"""
"""Setting the name to itself locks the chain before its head is read."""
APPENDED: Final = """
MATCH (e:AuditEntry) WHERE e.entry_no > $entry_no AND e.entry_id = $entry_id RETURN e.entry_no AS entry_no
"""
APPEND: Final = """
MATCH (c:AuditChain {chain_name: 'audit'})
SET c.entry_no = $entry_no, c.hash = $hash
WITH c
UNWIND $entries AS entry
CREATE (e:AuditEntry)
SET e = entry
"""
CHAIN: Final = "MATCH (c:AuditChain {chain_name: 'audit'}) RETURN properties(c) AS chain"
ENTRIES: Final = """
MATCH (e:AuditEntry) WHERE e.entry_no > $after RETURN properties(e) AS entry ORDER BY e.entry_no LIMIT $count
"""
THOSE: Final = """
MATCH (e:AuditEntry)
WHERE e.entry_no > $after AND e.entry_no < $before
  AND ($subject IS NULL OR $subject IN e.subjects)
  AND ($actor IS NULL OR e.actor = $actor)
  AND ($outcome IS NULL OR e.outcome = $outcome)
  AND ($since IS NULL OR e.at >= $since)
  AND ($until IS NULL OR e.at < $until)
"""
NEWEST: Final = f"{THOSE} RETURN properties(e) AS entry ORDER BY e.entry_no DESC LIMIT $count"
OLDEST: Final = f"{THOSE} RETURN properties(e) AS entry ORDER BY e.entry_no LIMIT $count"
COUNT: Final = f"{THOSE} RETURN count(e) AS n"
BEYOND_ALL: Final = 2**62


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for: of a pseudonym, an actor, an outcome, and from a stamp until before another."""

    subject: str | None = None
    actor: str | None = None
    outcome: str | None = None
    since: str | None = None
    until: str | None = None

    def parameters(self) -> dict[str, Any]:
        """Return them as a query takes them."""
        return {name: getattr(self, name) for name in ("subject", "actor", "outcome", "since", "until")}


@dataclass(frozen=True, slots=True)
class AuditLog:
    """A store's audit log, under the bank's key. It is appended to, and read."""

    store: Store
    key: AuditKey

    async def append(self, acts: Sequence[Act]) -> Head:
        """Write acts, all or none, and return the new head.

        Raises:
            StoreUnavailable: the store cannot be reached; they may be stored or not.
            StoreRefused: the log was begun with another secret, or is no chain any more.
        """
        entry_id, seen = secrets.token_urlsafe(16), list[Head]()

        async def once(run: Run) -> Head:
            head = await self._locked(run)
            if seen and await run(APPENDED, {"entry_no": seen[0].entry_no, "entry_id": entry_id}):
                return head  # an earlier try was committed, though nobody heard of it
            seen.append(head)
            entries = self.key.entries(acts, entry_id, head)
            last = Head(entries[-1]["entry_no"], entries[-1]["hash"])
            await run(APPEND, {"entry_no": last.entry_no, "hash": last.hash, "entries": entries})
            return last

        for pause in PAUSES:
            try:
                return await self.store.transact(once)
            except ConstraintError:
                # As the embedded store also tells who lost to another: the other's entry has the number.
                await self._refuse_unless_moved(seen, pause)
        raise StoreUnavailable(CONTESTED)

    async def _refuse_unless_moved(self, seen: Sequence[Head], pause: float) -> None:
        await asyncio.sleep(pause)
        found = await chain(self.store)
        if found is None or not seen or found["entry_no"] == seen[-1].entry_no:
            raise StoreRefused(NO_CHAIN)

    async def check_key(self) -> None:
        """Return where the log can be appended to with the key.

        Raises:
            StoreRefused: the log was begun with another secret.
        """
        found = await chain(self.store)
        if found is not None and found["key_name"] != self.key.name:
            raise StoreRefused(OTHER_KEY)

    async def _locked(self, run: Run) -> Head:
        [chain] = await run(LOCK, {"genesis": GENESIS, "key_name": self.key.name})
        if chain["key_name"] != self.key.name:
            raise StoreRefused(OTHER_KEY)
        return Head(chain["entry_no"], chain["hash"])

    async def page(
        self, wanted: Wanted, count: int, *, after: int = 0, before: int = BEYOND_ALL, newest: bool = True
    ) -> list[Row]:
        """Return those of the entries between two that are nearest to its end, or start; the newest first."""
        parameters = wanted.parameters() | {"after": after, "before": before, "count": count}
        rows = [row["entry"] for row in await self.store.read(NEWEST if newest else OLDEST, **parameters)]
        return rows if newest else rows[::-1]

    async def count(self, wanted: Wanted) -> int:
        """Return how many entries there are."""
        return int((await self.store.read(COUNT, after=0, before=BEYOND_ALL, **wanted.parameters()))[0]["n"])


async def chain(store: Store) -> Row | None:
    """Return what the chain's node says; None where nothing was ever recorded."""
    found = await store.read(CHAIN)
    return found[0]["chain"] if found else None


async def entries(store: Store, after: int) -> AsyncIterator[Row]:
    """Yield the entries after one, the oldest first, page by page."""
    while page := [row["entry"] for row in await store.read(ENTRIES, after=after, count=PAGE)]:
        for entry in page:
            yield entry
        after = page[-1]["entry_no"]
