"""Entries of the audit log: what they tell, and the keyed hashes that chain them.

Each hash covers its entry and the hash before it (as Schneier and Kelsey 1998 keep logs), under a key that is not in
the store: who can write the store, and has not the key, can neither change an entry nor add one.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from graph.store import Row

GENESIS: Final = "genesis"
"""What the first entry has in place of a hash before it."""
MOST_SUBJECTS: Final = 1_000
"""Customers that one entry names; of more, there are several entries."""
DIGEST_BYTES: Final = 16


class AuditAction(StrEnum):
    """What was done."""

    READ = "read"
    WRITE = "write"
    ENTER = "enter"


class AuditOutcome(StrEnum):
    """What came of it."""

    ALLOWED = "allowed"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Act:
    """Something that somebody did, or was refused.

    Attributes:
        actor: the subject of a token of staff, a customer's pseudonym, the user of the operating system, or the address
            of one who has no token.
        role: of the token; empty where there is none.
        operation: the fields of the API's root, or the command.
        codes: of what was told in place of an answer.
        customers: whom it was about, by number; the log has their pseudonyms.
        details: what else there is to tell, none of it personal.
    """

    actor: str
    action: AuditAction
    operation: str
    role: str = ""
    outcome: AuditOutcome = AuditOutcome.ALLOWED
    codes: Sequence[str] = ()
    customers: Sequence[str] = ()
    request_id: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def parts(self) -> Iterator[tuple[str, ...]]:
        """Yield the customers of each of its entries."""
        for start in range(0, max(len(self.customers), 1), MOST_SUBJECTS):
            yield tuple(self.customers[start : start + MOST_SUBJECTS])


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain: whoever keeps it elsewhere knows that nothing up to it was taken away."""

    entry_no: int = 0
    hash: str = GENESIS

    def __str__(self) -> str:
        return f"{self.entry_no}:{self.hash}"


class AuditKey:
    """The bank's audit secret, as the log uses it."""

    def __init__(self, secret: str) -> None:
        self._entries, self._subjects, self._heads = (
            hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256)
            for purpose in ("guanxi audit entries", "guanxi audit subjects", "guanxi audit heads")
        )

    @property
    def name(self) -> str:
        """A text that tells the secret from others and not what it is."""
        return _digest(self._heads, "name")

    def pseudonym(self, customer_no: str) -> str:
        """Return what stands for a customer in the log."""
        return _digest(self._subjects, customer_no)

    def seal(self, head: Head) -> str:
        """Return the proof that a chain was cut after a head by one who has the secret."""
        return _digest(self._heads, str(head))

    def entries(self, acts: Sequence[Act], entry_id: str, head: Head) -> list[Row]:
        """Return the entries of some acts, chained to a head."""
        entries = list[Row]()
        for act in acts:
            for customers in act.parts():
                entry = self._entry(act, customers) | {"entry_no": head.entry_no + 1, "previous": head.hash}
                if not entries:
                    entry["entry_id"] = entry_id
                head = Head(entry["entry_no"], self.hash(entry))
                entries.append(entry | {"hash": head.hash})
        return entries

    def hash(self, entry: Row) -> str:
        """Return the hash that an entry must have, of all that it has besides."""
        told = {name: value for name, value in entry.items() if name != "hash"}
        text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return _encoded(hmac.digest(self._entries, text.encode(), hashlib.sha256))

    def _entry(self, act: Act, customers: Sequence[str]) -> Row:
        return {
            "at": stamp(act.at),
            "actor": _storable(act.actor),
            "role": act.role,
            "action": act.action.value,
            "operation": act.operation,
            "outcome": act.outcome.value,
            "codes": sorted(act.codes),
            "subjects": sorted(map(self.pseudonym, customers)),
            "request_id": act.request_id,
            "details": json.dumps(act.details, sort_keys=True),
        }


def stamp(at: datetime) -> str:
    """Return a moment as the log has it: texts that are ordered as moments are."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _digest(key: bytes, text: str) -> str:
    return _encoded(hmac.digest(key, text.encode(errors="replace"), hashlib.sha256)[:DIGEST_BYTES])


def _encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _storable(text: str) -> str:
    """A text that every store takes: a token's subject is whatever its issuer wrote."""
    return text.encode(errors="replace").decode().replace("\0", "?")
