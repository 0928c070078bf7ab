"""Takes the oldest entries out of the audit log, into an archive that can be checked as the log can.

The chain's node keeps where the log was cut, with a proof that who cut it has the secret.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final

from graph.audit import AuditLog, chain, entries
from graph.audit_checks import Checked, follow, start_of
from graph.audit_entries import AuditKey, Head, stamp
from graph.store import Row, Store

PAGE: Final = 1_000
CUT: Final = """
MATCH (c:AuditChain {chain_name: 'audit'})
SET c.pruned_no = $entry_no, c.pruned_hash = $hash, c.pruned_seal = $seal
WITH c
MATCH (e:AuditEntry) WHERE e.entry_no <= $entry_no
DELETE e
"""


async def copy(store: Store, key: AuditKey, before: datetime, write: Callable[[Row], None]) -> Checked:
    """Write the entries up to the first that is not before a moment, and return which these are.

    Raises:
        ChainBroken: they are not what was recorded.
    """
    start = start_of(await chain(store), key)

    async def old() -> AsyncIterator[Row]:
        async for entry in entries(store, start.entry_no):
            if entry["at"] >= stamp(before):
                return
            yield entry
            write(entry)

    return await follow(old(), key, start)


async def cut(log: AuditLog, copied: Checked) -> None:
    """Delete the entries that were copied, page by page; one who is interrupted leaves a log that holds."""
    last = copied.start
    async for entry in entries(log.store, copied.start.entry_no):
        if entry["entry_no"] > copied.end.entry_no:
            break
        last = Head(entry["entry_no"], entry["hash"])
        if (last.entry_no - copied.start.entry_no) % PAGE == 0:
            await _cut_at(log, last)
    await _cut_at(log, last)


async def _cut_at(log: AuditLog, last: Head) -> None:
    await log.store.write(CUT, entry_no=last.entry_no, hash=last.hash, seal=log.key.seal(last))
