"""Recomputes the chain of the audit log, and says what was done to it."""

from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Final

from graph.audit import chain, entries
from graph.audit_entries import AuditKey, Head
from graph.errors import GuanxiError, SettingsError
from graph.store import Row, Store

LOOKS: Final = 3
"""How often the end of a chain is looked at that others append to meanwhile."""


class ChainBroken(GuanxiError):
    """The log is not what was recorded."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What holds: so many entries, from one after ``start`` up to ``end``."""

    start: Head
    end: Head

    @property
    def count(self) -> int:
        """How many entries."""
        return self.end.entry_no - self.start.entry_no


async def check(store: Store, key: AuditKey, kept: Head | None = None) -> Checked:
    """Return what holds of the log in a store; ``kept`` is a head that was kept elsewhere.

    Raises:
        ChainBroken: says which entry is the first that is wrong, and how.
        SettingsError: the head is of an entry that was pruned.
    """
    start = start_of(await chain(store), key)
    if kept is not None and kept.entry_no < start.entry_no:
        raise SettingsError(
            f"Entry {kept.entry_no} was pruned: check its archive, or name a head after {start.entry_no}."
        )
    checked = await follow(entries(store, start.entry_no), key, start, kept)
    await _check_end(store, checked)
    if kept is not None and kept.entry_no > checked.end.entry_no:
        missing = f"Entries {checked.end.entry_no + 1} to {kept.entry_no} are missing"
        raise ChainBroken(f"{missing}: the head that was kept is beyond the end.")
    return checked


async def follow(found: AsyncIterable[Row], key: AuditKey, start: Head, kept: Head | None = None) -> Checked:
    """Return what holds of entries that follow a head.

    Raises:
        ChainBroken: as ``check`` does.
    """
    end = start
    _compare(end, kept)
    async for entry in found:
        end = _next(entry, end, key)
        _compare(end, kept)
    return Checked(start, end)


def _compare(reached: Head, kept: Head | None) -> None:
    if kept is not None and reached.entry_no == kept.entry_no and reached != kept:
        raise ChainBroken(f"Entry {kept.entry_no} is not the one whose head was kept: the log was written anew.")


def _next(entry: Row, end: Head, key: AuditKey) -> Head:
    number, expected = entry.get("entry_no", 0), end.entry_no + 1
    if number > expected:
        missing = f"Entry {expected} is" if number == expected + 1 else f"Entries {expected} to {number - 1} are"
        raise ChainBroken(f"{missing} missing.")
    if number < expected:
        raise ChainBroken(f"Entry {number} is in a place that is not its own, after {end.entry_no}.")
    if entry.get("hash") != key.hash(entry):
        raise ChainBroken(f"Entry {number} was changed, moved or inserted: its hash is not that of what it tells.")
    if entry.get("previous") != end.hash:
        raise ChainBroken(f"Entry {number} does not follow entry {end.entry_no}: one of them is of another time.")
    return Head(number, entry["hash"])


def start_of(found: Row | None, key: AuditKey) -> Head:
    """Return after which entry a log begins, as its chain's node says.

    Raises:
        ChainBroken: the node is not as guanxi left it.
    """
    if found is None:
        return Head()
    if found.get("key_name") != key.name:
        raise ChainBroken("The log is of another secret than GUANXI_AUDIT_SECRET, or the chain's node was changed.")
    if "pruned_no" not in found:
        return Head()
    start = Head(found["pruned_no"], found.get("pruned_hash", ""))
    if found.get("pruned_seal") != key.seal(start):
        raise ChainBroken(f"Entries 1 to {start.entry_no} are missing: they were not pruned by guanxi.")
    return start


async def _check_end(store: Store, checked: Checked) -> None:
    """Compare the last entry with the head; of a chain that grows, both may be of another moment."""
    found = None
    for _ in range(LOOKS):
        found = await chain(store)
        if found is None or found["entry_no"] >= checked.end.entry_no:
            break
    end, head = checked.end.entry_no, found["entry_no"] if found else 0
    if head < end:
        raise ChainBroken(f"Entry {head + 1} was inserted: the chain's head is {head}.")
    if found is not None and head == end and found["hash"] != checked.end.hash:
        raise ChainBroken(f"Entry {end} is not the chain's head.")
    if head > end:
        later = [entry["entry_no"] async for entry in entries(store, end)]
        if not later or later[0] != end + 1:
            raise ChainBroken(f"Entries {end + 1} to {head} are missing: the chain's head is {head}.")
