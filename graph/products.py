"""Reads the catalogue."""

from collections.abc import Mapping
from typing import Final

from graph.contracts import contracts
from graph.plugin_claims import Claimants, claimants, claimed_by
from graph.records import Product
from graph.rivals import rivalling
from graph.rows import attributes, word
from graph.store import Row, Store
from graph.terms import Contract
from graph.words import CustomerKind, RiskRating

CATALOGUE: Final = """
MATCH (p:Product) OPTIONAL MATCH (g:Programme {programme_code: p.programme_code})
RETURN properties(p) AS product, properties(g) AS programme ORDER BY p.product_code
"""


async def catalogue(store: Store, claims: Claimants | None = None) -> list[Product]:
    """Return every product, by product code, with its programme's contract as far as that is used up.

    Products know who has claimed them by ``claims``, or by what the store remembers.
    """
    rows = await store.read(CATALOGUE)
    programmes = {own["programme_code"]: own for row in rows if (own := row["programme"])}
    found = await contracts(store, programmes.values(), [row["product"] for row in rows])
    claims = await claimants(store) if claims is None else claims
    return rivalling(
        [
            _product(own, programme, found, claimed_by(claims, own, programme))
            for row in rows
            for own, programme in [(row["product"], row["programme"] or {})]
        ]
    )


def _product(
    row: Row, programme: Row, contracts: Mapping[str, Contract], claimed: tuple[tuple[str, ...], ...]
) -> Product:
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
        programme_name=programme.get("name"),
        programme_name_zh=programme.get("name_zh"),
        programme_kind=programme.get("kind"),
        programme_starts_on=programme.get("starts_on"),
        programme_ends_on=programme.get("ends_on"),
        partner_code=programme.get("partner_code"),
        programme_benefit=programme.get("benefit"),
        programme_benefit_zh=programme.get("benefit_zh"),
        contract=contracts.get(row.get("programme_code", "")),
        claimed_by=claimed,
        margin=row.get("margin"),
        active_from=row.get("active_from"),
        active_until=row.get("active_until"),
        attributes=attributes(row),
    )
