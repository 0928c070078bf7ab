"""Reads the catalogue."""

from typing import Final

from graph.records import Product
from graph.rows import attributes, word
from graph.store import Row, Store
from graph.words import CustomerKind, ProgrammeKind, RiskRating

CATALOGUE: Final = """
MATCH (p:Product) OPTIONAL MATCH (g:Programme {programme_code: p.programme_code})
RETURN properties(p) AS product, properties(g) AS programme ORDER BY p.product_code
"""


async def catalogue(store: Store) -> list[Product]:
    """Return every product, by product code."""
    return [_product(row["product"], row["programme"] or {}) for row in await store.read(CATALOGUE)]


def _product(row: Row, programme: Row) -> Product:
    return Product(
        product_code=row["product_code"],
        name=row["name"],
        category=row["category"],
        name_zh=row.get("name_zh"),
        audience=tuple(CustomerKind(kind) for kind in row.get("audience") or ()),
        risk_rating=word(RiskRating, row.get("risk_rating")),
        credit=bool(row.get("credit")),
        min_age=row.get("min_age"),
        max_age=row.get("max_age"),
        requires=tuple(row.get("requires") or ()),
        purpose=row.get("purpose"),
        programme_code=row.get("programme_code"),
        programme_kind=word(ProgrammeKind, programme.get("kind")),
        partner_code=programme.get("partner_code"),
        programme_benefit=programme.get("benefit"),
        programme_benefit_zh=programme.get("benefit_zh"),
        margin=row.get("margin"),
        active_from=row.get("active_from"),
        active_until=row.get("active_until"),
        attributes=attributes(row),
    )
