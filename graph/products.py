"""Reads the catalogue."""

from typing import Final

from graph.records import Product
from graph.rows import attributes
from graph.store import Row, Store
from graph.words import CustomerKind, RiskRating

CATALOGUE: Final = "MATCH (p:Product) RETURN properties(p) AS product ORDER BY p.product_code"


async def catalogue(store: Store) -> list[Product]:
    """Return every product, by product code."""
    return [product(row["product"]) for row in await store.read(CATALOGUE)]


def product(row: Row) -> Product:
    """Make a record of a product's properties."""
    return Product(
        product_code=row["product_code"],
        name=row["name"],
        category=row["category"],
        name_zh=row.get("name_zh"),
        audience=tuple(CustomerKind(kind) for kind in row.get("audience") or ()),
        risk_rating=RiskRating(row["risk_rating"]) if row.get("risk_rating") else None,
        credit=bool(row.get("credit")),
        min_age=row.get("min_age"),
        max_age=row.get("max_age"),
        requires=tuple(row.get("requires") or ()),
        programme_code=row.get("programme_code"),
        margin=row.get("margin"),
        active_from=row.get("active_from"),
        active_until=row.get("active_until"),
        attributes=attributes(row),
    )
