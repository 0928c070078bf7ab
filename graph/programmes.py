"""Reads the partner programmes; a bank has dozens, so all are read at once."""

from typing import Final

from graph.records import Partner, Programme
from graph.store import Row, Store
from graph.terms import terms_of

PROGRAMMES: Final = """
MATCH (g:Programme) OPTIONAL MATCH (g)-[:RUN_BY]->(p:Partner)
RETURN properties(g) AS programme, properties(p) AS partner ORDER BY g.programme_code
"""


MEMBERS: Final = """
MATCH (:Customer)-[m:MEMBER_OF]->(g:Programme) RETURN g.programme_code AS code, count(m) AS n
"""


async def programmes(store: Store) -> list[Programme]:
    """Return every programme with its partner, by programme code."""
    return [_programme(row["programme"], row["partner"]) for row in await store.read(PROGRAMMES)]


def _programme(own: Row, partner: Row | None) -> Programme:
    return Programme(
        programme_code=own["programme_code"],
        kind=own["kind"],
        name=own["name"],
        starts_on=own.get("starts_on"),
        ends_on=own.get("ends_on"),
        benefit=own.get("benefit"),
        benefit_zh=own.get("benefit_zh"),
        partner=Partner(partner["partner_code"], partner["name"], partner["kind"], partner.get("region"))
        if partner
        else None,
        terms=terms_of(own),
    )


async def members(store: Store) -> dict[str, int]:
    """Return how many memberships each programme has, by its code; those without any are not there."""
    return {row["code"]: row["n"] for row in await store.read(MEMBERS)}
