"""Erasure: a customer's data go, what nobody can lay at his door stays for the bank's sums, and a proof is kept.

What stays is an ``Anonymous`` node with his kind, his region where enough others live there, and his holdings by
product and month; and his outcomes by product, kind, channel and day, tied to nobody. Neither bears a word, a number or
a moment by which it could be laid beside the proof.

The proof bears no name either, but HMAC-SHA256 of the customer's number under a secret of the bank: who knows the
number can ask whether it was erased. Digests of it and of his accounts' and cards' numbers keep the bank's files from
bringing him back.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from neo4j.exceptions import ConstraintError

from graph.errors import NotFound, SettingsError, StillOpen
from graph.once import UNCLAIM
from graph.store import Row, Run, Store
from graph.subject import KEYS, KINDS, OWNED, SHARED, SUBJECT, TIES, Owned

LEAST_GROUP: Final = 20
"""So many others of his kind in his region, or the region goes too."""
LONGEST_REASON: Final = 500
CHECK: Final = "guanxi erasure"
KEPT_OF_OUTCOMES: Final = ("product_code", "kind", "channel", "model", "arm")
NUMBERED: Final = {"accounts": ("Account", "account_no"), "cards": ("Card", "card_no")}
"""Parts whose numbers a bank's files may name without the customer's, with label and number."""

Key: TypeAlias = tuple[str, str]
"""A label, and the number of a node of it."""

LOCK: Final = f"{SUBJECT} SET c.customer_no = c.customer_no"
"""Setting the number to itself locks the customer: what is written about him meanwhile waits, and finds nobody."""
LOCKED: Final = f"{SUBJECT} RETURN c.kind AS kind, c.region AS region"
"""Whom the lock was waited for may be gone."""
OPEN_CREDIT: Final = f"""
{SUBJECT} MATCH (c)-[h:HOLDS]->(p:Product)
WHERE p.credit AND (h.closed_on IS NULL OR h.closed_on > $today)
RETURN p.product_code AS code ORDER BY code
"""
OPEN_ACCOUNTS: Final = f"""
{SUBJECT} MATCH (c)-[:OWNS]->(a:Account)
WHERE a.closed_on IS NULL OR a.closed_on > $today
RETURN count(a) AS n
"""
OPEN_GUARANTEES: Final = f"""
{SUBJECT} MATCH (c)<-[r:RELATED]-(o:Customer)-[h:HOLDS]->(p:Product)
WHERE r.kind = 'guarantor' AND p.credit AND (h.closed_on IS NULL OR h.closed_on > $today)
RETURN count(DISTINCT o.customer_no) AS n
"""
NEIGHBOURS: Final = """
MATCH (c:Customer {region: $region}) WHERE c.kind = $kind AND c.customer_no <> $customer_no
WITH c LIMIT $least RETURN count(c) AS n
"""
HELD: Final = f"""
{SUBJECT} MATCH (c)-[h:HOLDS]->(p:Product)
RETURN p.product_code AS product_code, h.opened_on AS opened_on, h.closed_on AS closed_on
"""
REMAIN: Final = """
CREATE (n:Anonymous {anonymous_no: $anonymous_no, kind: $kind, region: $region})
WITH n UNWIND $rows AS row
MATCH (p:Product {product_code: row.product_code})
CREATE (n)-[h:HOLDS]->(p) SET h = row
"""
REMAINING_OUTCOMES: Final = "UNWIND $rows AS row CREATE (t:Outcome) SET t = row"
LOOSEN: Final = (
    f"{SUBJECT} MATCH (c)-[:CARRIES]->(:Card)<-[:SUPPLEMENTS]-(o:Card) REMOVE o.principal_card_no",
    f"{SUBJECT} MATCH (c)-[:OWNS]->(:Account)<-[:DRAWS_ON]-(o:Card) REMOVE o.account_no",
)
"""Others' cards that name one of his cards or accounts."""
LEFT_OVER: Final = f"""
{SUBJECT} MATCH (c)-[r]-(n) WHERE NOT type(r) IN $kinds AND none(label IN labels(n) WHERE label IN $shared)
DETACH DELETE n
"""
REMOVE: Final = f"{SUBJECT} DETACH DELETE c"
PROVE: Final = """
CREATE (e:Erasure) SET e = $proof
WITH e UNWIND $digests AS digest
MERGE (k:ErasedKey {key_digest: digest}) SET k.erasure_id = e.erasure_id
"""
PROOFS: Final = """
MATCH (e:Erasure) WHERE $digest IS NULL OR e.digest = $digest
RETURN properties(e) AS proof ORDER BY e.at, e.erasure_id
"""
CHECKS: Final = "MATCH (e:Erasure) RETURN DISTINCT e.secret_check AS secret_check"
GONE: Final = "UNWIND $digests AS digest MATCH (k:ErasedKey {key_digest: digest}) RETURN digest"


@dataclass(frozen=True, slots=True)
class Order:
    """An erasure that is asked for: whose, by whom and why.

    Attributes:
        despite_open: erase although something is open.
    """

    customer_no: str
    by: str
    reason: str
    at: datetime
    despite_open: bool = False


@dataclass(frozen=True, slots=True)
class Erasure:
    """The proof that somebody was erased; ``counts`` has what was removed, by part of the access report."""

    erasure_id: str
    digest: str
    at: datetime
    by: str
    reason: str
    counts: Mapping[str, int]


def digest(secret: str, key: str, label: str = "Customer") -> str:
    """Return HMAC-SHA256 of a customer's number under a secret; of another label's, with the label before it."""
    message = key if label == "Customer" else f"{label}\x1f{key}"
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


async def erase(store: Store, order: Order, secret: str) -> Erasure:
    """Erase a customer, whole or not at all, and return the proof; where he was erased before, that one's.

    Raises:
        NotFound: there is no such customer, and never was one erased.
        StillOpen: he has something open on credit, or an account that is not closed, or guarantees for who has.
        SettingsError: others were erased under another secret.
    """
    await check_secret(store, secret)
    try:
        erased = await store.transact(lambda run: _erase(run, order, secret))
    except ConstraintError:
        erased = None  # another erased him between this transaction's reads and its commit
    if erased is not None:
        proof, keys = erased
        await store.write(UNCLAIM, keys=keys)  # again: ArcadeDB may show a record before the key that came with it
        return proof
    before = await erasures(store, digest(secret, order.customer_no))
    if not before:
        raise NotFound("customer", order.customer_no)
    return before[-1]


async def erasures(store: Store, of: str | None = None) -> list[Erasure]:
    """Return every proof, or those of a digest, the oldest first."""
    return [_erasure(row["proof"]) for row in await store.read(PROOFS, digest=of)]


async def gone(store: Store, secret: str, keys: Iterable[Key]) -> set[Key]:
    """Return those of some numbers that are an erased customer's, or his accounts' or cards'."""
    known = {digest(secret, number, label): (label, number) for label, number in keys}
    return {known[row["digest"]] for row in await store.read(GONE, digests=list(known))} if known else set()


async def check_secret(store: Store, secret: str | None) -> bool:
    """Return whether anybody was erased.

    Raises:
        SettingsError: somebody was, and under another secret.
    """
    checks = {row["secret_check"] for row in await store.read(CHECKS)}
    if checks - {digest(secret, CHECK) if secret else None}:
        raise SettingsError(
            "Customers were erased under another GUANXI_ERASURE_SECRET than this one; without theirs, files could "
            "bring them back. Set the one that was used."
        )
    return bool(checks)


async def _erase(run: Run, order: Order, secret: str) -> tuple[Erasure, list[Row]] | None:
    """The proof, and the ids of what was recorded; None where there is nobody."""
    who: dict[str, object] = {"customer_no": order.customer_no}
    await run(LOCK, who)
    found = await run(LOCKED, who)
    if not found:
        return None
    if not order.despite_open:
        await _refuse_open(run, who, order.at.date())
    ties = {tie.part: (await run(f"{SUBJECT} MATCH {tie.path} RETURN count(r) AS n", who))[0]["n"] for tie in TIES}
    for cypher in LOOSEN:
        await run(cypher, who)
    owned = await _remove_owned(run, who)
    keys = [{"key": row[KEYS[own.label]]} for own in OWNED if own.label in KEYS for row in owned[own.part]]
    await run(UNCLAIM, {"keys": keys})
    await _keep_what_is_nobodys(run, who, found[0], owned["outcomes"])
    await run(LEFT_OVER, {**who, "kinds": list(KINDS), "shared": list(SHARED)})
    await run(REMOVE, who)
    counts = {part: len(rows) for part, rows in owned.items()} | ties
    return await _prove(run, order, secret, counts, owned), keys


async def _refuse_open(run: Run, who: dict[str, object], today: date) -> None:
    codes = [row["code"] for row in await run(OPEN_CREDIT, {**who, "today": today})]
    accounts, guarantees = [
        (await run(cypher, {**who, "today": today}))[0]["n"] for cypher in (OPEN_ACCOUNTS, OPEN_GUARANTEES)
    ]
    if codes or accounts or guarantees:
        raise StillOpen(codes, accounts, guarantees)


async def _remove_owned(run: Run, who: dict[str, object]) -> dict[str, list[Row]]:
    """Delete what a customer owns and return it, by part.

    It is read by what deletes it: on ArcadeDB a later query of the same transaction may see more than an earlier one.
    """
    return {
        own.part: [row["own"] for row in await run(_removal(own), who)]
        for own in reversed(OWNED)  # activity before the accounts that lead to it
    }


def _removal(own: Owned) -> str:
    return f"{SUBJECT} MATCH {own.path} WITH n, properties(n) AS own DETACH DELETE n RETURN own"


async def _keep_what_is_nobodys(run: Run, who: dict[str, object], own: Row, outcomes: Sequence[Row]) -> None:
    held = [_by_month(row) for row in await run(HELD, who)]
    if held:
        kept = {"kind": own["kind"], "region": await _common(run, who, own)}
        await run(REMAIN, {"anonymous_no": _unlike_any(), "rows": held, **kept})
    await run(REMAINING_OUTCOMES, {"rows": [_by_day(outcome) for outcome in outcomes]})


async def _common(run: Run, who: dict[str, object], own: Row) -> str | None:
    """A customer's region, if enough others of his kind live there."""
    region: str | None = own["region"]
    if region is None:
        return None
    near = await run(NEIGHBOURS, {**who, **own, "least": LEAST_GROUP})
    return region if near[0]["n"] >= LEAST_GROUP else None


def _unlike_any() -> str:
    return f"anonymous-{secrets.token_urlsafe(12)}"


def _by_month(held: Row) -> Row:
    days = {name: day.replace(day=1) for name, day in held.items() if isinstance(day, date)}
    return {"product_code": held["product_code"], **days}


def _by_day(outcome: Mapping[str, Any]) -> Row:
    kept = {name: outcome[name] for name in KEPT_OF_OUTCOMES if name in outcome}
    at = outcome["at"].replace(hour=0, minute=0, second=0, microsecond=0)
    return kept | {"outcome_id": _unlike_any(), "at": at}


async def _prove(
    run: Run, order: Order, secret: str, counts: Mapping[str, int], owned: Mapping[str, Sequence[Row]]
) -> Erasure:
    digests = [digest(secret, order.customer_no)]
    for part, (label, number) in NUMBERED.items():
        digests += [digest(secret, row[number], label) for row in owned[part]]
    proof = {
        "erasure_id": secrets.token_urlsafe(12),
        "digest": digests[0],
        "secret_check": digest(secret, CHECK),
        "at": order.at,
        "by": order.by,
        "reason": order.reason,
        **{f"n_{part}": count for part, count in counts.items()},
    }
    await run(PROVE, {"proof": proof, "digests": digests})
    return _erasure(proof)


def _erasure(proof: Row) -> Erasure:
    counts = {name.removeprefix("n_"): count for name, count in sorted(proof.items()) if name.startswith("n_")}
    return Erasure(proof["erasure_id"], proof["digest"], proof["at"], proof["by"], proof["reason"], counts)
