"""Reads how far programmes' contracts with their partners are used up."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from graph.store import Row, Store
from graph.terms import Contract, beginning, terms_of
from graph.words import OutcomeKind

ACCEPTED: Final = f"""
UNWIND $products AS row
MATCH (o:Outcome {{product_code: row.product_code, kind: '{OutcomeKind.ACCEPT}'}}) WHERE o.at >= row.since
RETURN row.programme_code AS code, count(o) AS n
"""


async def contracts(store: Store, programmes: Collection[Row], products: Sequence[Row]) -> Mapping[str, Contract]:
    """Return the contracts of those programmes that have one, by code, as far as they are used up; one query at most.

    ``products`` are the catalogue's rows, by which the acceptances of a programme are found.
    """
    agreed = {row["programme_code"]: terms for row in programmes if (terms := terms_of(row)) is not None}
    since = {row["programme_code"]: beginning(row.get("starts_on")) for row in programmes}
    counted = [
        {"programme_code": code, "product_code": product["product_code"], "since": since[code]}
        for product in products
        if (code := product.get("programme_code")) in agreed and agreed[code].is_counted
    ]
    accepted = dict[str, int]()
    for row in await store.read(ACCEPTED, products=counted) if counted else ():
        accepted[row["code"]] = accepted.get(row["code"], 0) + row["n"]
    return {
        code: Contract(terms, terms.is_spent(accepted.get(code, 0)), terms.is_full(accepted.get(code, 0)))
        for code, terms in agreed.items()
    }
