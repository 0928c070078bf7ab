"""Remembers which plugins have ever said that kinds of programmes, or products for a purpose, are theirs."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, Literal, TypeAlias

from graph.store import Row, Store

Claim: TypeAlias = tuple[str, Literal["kind", "purpose"], str]
"""A plugin, and the kind of programmes or the purpose of products that is its own."""
Claimants: TypeAlias = Mapping[tuple[str, str], tuple[str, ...]]
"""Plugins by ``kind`` or ``purpose`` and the word that they have claimed."""

REMEMBER: Final = """
UNWIND $rows AS row
MERGE (c:PluginClaim {claim_key: row.claim_key})
ON CREATE SET c.plugin = row.plugin, c.of = row.of, c.word = row.word
REMOVE c.waived
"""
CLAIMS: Final = """
MATCH (c:PluginClaim)
RETURN c.plugin AS plugin, c.of AS of, c.word AS word, c.waived IS NOT NULL AS waived ORDER BY plugin
"""


async def remember(store: Store, claims: Iterable[Claim], loaded: Collection[str]) -> None:
    """Remember claims beside those of before; what was waived holds again for plugins that are loaded."""
    known = {
        (row["plugin"], row["of"], row["word"])
        for row in await store.read(CLAIMS)
        if not row["waived"] or row["plugin"] not in loaded
    }
    rows = [
        {"claim_key": "|".join(claim), "plugin": claim[0], "of": claim[1], "word": claim[2]}
        for claim in sorted(set(claims) - known)
    ]
    if rows:
        await store.write(REMEMBER, rows=rows)


async def claimants(store: Store, claims: Iterable[Claim] = (), loaded: Collection[str] = ()) -> Claimants:
    """Return who has claimed what and was not forgotten, as if ``claims`` were remembered beside those of before."""
    rows = [((row["plugin"], row["of"], row["word"]), row["waived"]) for row in await store.read(CLAIMS)]
    waived = {claim for claim, is_waived in rows if is_waived and claim[0] not in loaded}
    found = dict[tuple[str, str], tuple[str, ...]]()
    for plugin, of, word in sorted({claim for claim, _ in rows}.union(claims) - waived):
        found[of, word] = (*found.get((of, word), ()), plugin)
    return found


def claimed_by(found: Claimants, product: Row, programme: Row) -> tuple[tuple[str, ...], ...]:
    """Return who has claimed a product by its programme's kind, and who by its purpose: one of each is needed."""
    claimed = (("kind", programme.get("kind") or ""), ("purpose", product.get("purpose") or ""))
    return tuple(found[claim] for claim in claimed if claim in found)
