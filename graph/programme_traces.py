"""What the store has of a programme: told by parts, and removed; what customers have of its products stays."""

from collections.abc import Mapping
from typing import Final

from graph.removing import Rule, count_found, edge_rule, node_rule, remove_found
from graph.store import Store

OF_PROGRAMME: Final = "n.programme_code = $code"
OF_CONTRACT: Final = (
    "n.contract_key STARTS WITH $code + '|' AND NOT substring(n.contract_key, size($code) + 1) CONTAINS '|'"
)
"""A contract's key is the programme's code and its first day."""
IN_USE: Final = """(EXISTS { MATCH (n)<-[r]-() WHERE type(r) <> 'SHADOWED' }
  OR EXISTS { MATCH (o:Outcome {product_code: n.product_code}) })"""
"""Somebody has, or had, something of the product, or answered an offer of it."""
ALONE: Final = """EXISTS { MATCH (n)<-[:RUN_BY]-(g:Programme) WHERE g.programme_code = $code }
  AND NOT EXISTS { MATCH (n)<-[:RUN_BY]-(g:Programme) WHERE g.programme_code <> $code }"""
EXCLUDES: Final = "e.programme_code <> $code AND n.partner_code IN e.exclusive_of"
"""A partner is a word of another programme's contract."""
TRACES: Final[Mapping[str, Rule]] = {
    "memberships": edge_rule("MEMBER_OF", "membership_key", OF_PROGRAMME),
    "products": node_rule("Product", "product_code", f"{OF_PROGRAMME} AND NOT {IN_USE}"),
    "partners": node_rule(
        "Partner", "partner_code", f"{ALONE} AND NOT EXISTS {{ MATCH (e:Programme) WHERE {EXCLUDES} }}"
    ),
    "programmes": node_rule("Programme", "programme_code", OF_PROGRAMME),
    "released_months": node_rule("ProgrammeRelease", "release_key", OF_CONTRACT),
    "secret_offsets": node_rule("ProgrammeSecret", "contract_key", OF_CONTRACT),
}
"""Offsets go last: whoever asks for the report meanwhile is told by the same ones, and none are drawn anew."""
STAYING: Final = f"""
MATCH (n:Product) WHERE {OF_PROGRAMME} AND {IN_USE} RETURN n.product_code AS product_code ORDER BY product_code
"""
EXCLUDING: Final = f"""
MATCH (n:Partner) WHERE {ALONE} MATCH (e:Programme) WHERE {EXCLUDES}
RETURN e.programme_code AS programme_code ORDER BY programme_code
"""


async def count(store: Store, code: str) -> dict[str, int]:
    """Return how much there is of a programme, by part; of parts that have nothing, 0."""
    return {part: await count_found(store, rule, code=code) for part, rule in TRACES.items()}


async def staying(store: Store, code: str) -> list[str]:
    """Return the programme's products that stay, for customers' sake."""
    return [row["product_code"] for row in await store.read(STAYING, code=code)]


async def excluding(store: Store, code: str) -> list[str]:
    """Return the programmes for whose contracts' sake the partner stays, who runs no other than this one."""
    return [row["programme_code"] for row in await store.read(EXCLUDING, code=code)]


async def remove(store: Store, code: str) -> None:
    """Remove a programme with its contract, memberships, unused products, releases, and a partner of no other.

    A partner whom another's contract excludes stays.
    """
    for rule in TRACES.values():
        async for _ in remove_found(store, rule, code=code):
            pass
