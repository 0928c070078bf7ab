"""Reads how far programmes' contracts with their partners are used up."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from graph.places import counted
from graph.records import Product, Programme
from graph.store import Row, Store
from graph.terms import Contract, beginning, terms_of


async def contracts(store: Store, programmes: Collection[Row], products: Sequence[Row]) -> Mapping[str, Contract]:
    """Return the contracts of those programmes that have one, by code, as far as they are used up; one query at most.

    ``products`` are the catalogue's rows, by which the places of a programme are found.
    """
    agreed = {row["programme_code"]: terms for row in programmes if (terms := terms_of(row)) is not None}
    since = {row["programme_code"]: beginning(row.get("starts_on")) for row in programmes}
    counting = {code for code, terms in agreed.items() if terms.is_counted}
    own = [(str(product.get("programme_code")), product["product_code"]) for product in products]
    found = await _taken(store, [(code, product, since[code]) for code, product in own if code in counting])
    return {
        code: Contract(terms, terms.is_spent(found.get(code, 0)), terms.is_full(found.get(code, 0)))
        for code, terms in agreed.items()
    }


async def taken(store: Store, programmes: Collection[Programme], products: Sequence[Product]) -> Mapping[str, int]:
    """Return how many places are taken of those programmes that have a contract, by code; none where there is none."""
    since = {own.programme_code: beginning(own.starts_on) for own in programmes if own.terms is not None}
    return await _taken(
        store, [(code, own.product_code, since[code]) for own in products if (code := own.programme_code) in since]
    )


async def _taken(store: Store, products: Sequence[tuple[str, str, datetime]]) -> Mapping[str, int]:
    rows = [{"programme_code": code, "product_code": own, "since": since} for code, own, since in products]
    return await counted(store, rows) if rows else {}
