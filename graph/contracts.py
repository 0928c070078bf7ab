"""Reads how far programmes' contracts with their partners are used up."""

from collections.abc import Collection, Mapping, Sequence

from graph.places import counted
from graph.store import Row, Store
from graph.terms import Contract, beginning, terms_of


async def contracts(store: Store, programmes: Collection[Row], products: Sequence[Row]) -> Mapping[str, Contract]:
    """Return the contracts of those programmes that have one, by code, as far as they are used up; one query at most.

    ``products`` are the catalogue's rows, by which the places of a programme are found.
    """
    agreed = {row["programme_code"]: terms for row in programmes if (terms := terms_of(row)) is not None}
    since = {row["programme_code"]: beginning(row.get("starts_on")) for row in programmes}
    those = [
        {"programme_code": code, "product_code": product["product_code"], "since": since[code]}
        for product in products
        if (code := product.get("programme_code")) in agreed and agreed[code].is_counted
    ]
    taken = await counted(store, those) if those else {}
    return {
        code: Contract(terms, terms.is_spent(taken.get(code, 0)), terms.is_full(taken.get(code, 0)))
        for code, terms in agreed.items()
    }
