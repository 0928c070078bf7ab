"""Which regions of programmes' contracts no customer lives in: one that is misspelt stops every offer in silence."""

from collections.abc import Collection, Iterable
from datetime import date
from difflib import get_close_matches
from typing import Final

from graph import customers
from graph.programmes import programmes
from graph.records import Programme
from graph.store import Store

ALIKE: Final = 0.75
"""Of 1, from which a name is nearly another: Hunan is none that was to be Yunnan."""


async def empty_regions(store: Store, today: date) -> list[str]:
    """Return what is to be told of the contracts in a store, one sentence for each that has such regions."""
    agreed = [programme for programme in await programmes(store) if programme.terms and programme.terms.regions]
    return told_of(agreed, await customers.regions(store), today) if agreed else []


def told_of(agreed: Iterable[Programme], lived_in: Collection[str], today: date) -> list[str]:
    """Return a sentence for each programme, not over by a day, that is for regions in which no customer lives."""
    told = []
    for programme in agreed:
        empty = [region for region in (programme.terms.regions if programme.terms else ()) if region not in lived_in]
        if empty and (programme.ends_on is None or programme.ends_on >= today):
            named = ", ".join(_named(region, lived_in) for region in empty)
            told.append(f"The contract of {programme.programme_code} is for {named}, and no customer lives there.")
    return told


def _named(region: str, lived_in: Collection[str]) -> str:
    """Return a region with what is nearly named so, in whatever case, if anything is."""
    known = {name.casefold(): name for name in lived_in}
    near = get_close_matches(region.casefold(), known, 1, ALIKE)
    return f"{region!r} (is {known[near[0]]!r} meant?)" if near else repr(region)
