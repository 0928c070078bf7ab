"""What is released of a programme: its rounded counts at the end of each month, once, and never again.

What comes to be known later of a month that is released counts in the next one.
"""

import secrets
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from dateutil.relativedelta import relativedelta

from graph import programme_releases
from graph.programme_figures import Reached, members, reached
from graph.programme_releases import Numbers
from graph.records import Members, Product, Programme
from graph.store import Store
from graph.terms import beginning
from graph.words import OutcomeKind
from plugins.contract import Breakdown
from plugins.partner_rounding import offset_of, rounded

OWN: Final = ""
"""The breakdown of counts that every report has."""
MEMBERS, SHOWN, TAKEN = "members", "shown", "taken"
KINDS: Final = {SHOWN: OutcomeKind.IMPRESSION, TAKEN: OutcomeKind.ACCEPT}


async def releases(
    store: Store, programme: Programme, products: Iterable[Product], breakdowns: Collection[Breakdown], as_of: date
) -> dict[str, Numbers]:
    """Return the months up to one that ends ``as_of``, the first first; those not released yet are released now."""
    contract = f"{programme.programme_code}|{programme.starts_on or ''}"
    found = await programme_releases.releases(store, contract)
    if not found or max(found) < _month(as_of):
        own = [product.product_code for product in products if product.programme_code == programme.programme_code]
        counts = await _counts(store, programme, own, breakdowns, max(found, default=None), as_of)
        secret = await programme_releases.secret(store, contract, secrets.token_hex())
        months = {month: _rounded(counted, secret) for month, counted in counts}
        await programme_releases.release(store, contract, months, datetime.now(UTC))
        found = await programme_releases.releases(store, contract)
    return {month: numbers for month, numbers in found.items() if month <= _month(as_of)}


async def _counts(
    store: Store,
    programme: Programme,
    products: Sequence[str],
    breakdowns: Collection[Breakdown],
    released: str | None,
    as_of: date,
) -> Iterator[tuple[str, Numbers]]:
    since, until = beginning(programme.starts_on), datetime.combine(as_of + timedelta(1), time(), UTC)
    firsts = {figure: _firsts(await reached(store, products, kind, since, until)) for figure, kind in KINDS.items()}
    ever = await members(store, programme.programme_code)
    begun = programme.starts_on or min((days[0] for days in firsts.values() if days), default=as_of)
    first = date.fromisoformat(f"{released}-01") + relativedelta(months=1) if released else begun
    return ((_month(day), _count(firsts, ever, breakdowns, day)) for day in _month_ends(first, as_of))


def _count(
    firsts: Mapping[str, Sequence[date]], ever: Iterable[Members], breakdowns: Iterable[Breakdown], day: date
) -> Numbers:
    present = [own for own in ever if own.are_there(day)]
    counts: dict[str, dict[str, int]] = {own.name: _grouped(own, present, day) for own in breakdowns}
    counts[OWN] = {figure: bisect_right(days, day) for figure, days in firsts.items()}
    counts[OWN][MEMBERS] = sum(own.count for own in present)
    return counts


def _grouped(breakdown: Breakdown, present: Iterable[Members], day: date) -> dict[str, int]:
    counts = Counter[str]()
    for own in present:
        counts[breakdown.group(own, day)] += own.count
    return counts


def _rounded(counts: Numbers, secret: str) -> Numbers:
    return {
        breakdown: {group: rounded(count, offset_of(secret, breakdown, group)) for group, count in groups.items()}
        for breakdown, groups in counts.items()
    }


def _firsts(found: Iterable[Reached]) -> list[date]:
    """What is left of erased customers is nobody's, and makes no group larger."""
    return sorted(own.first.date() for own in found if own.is_known)


def _month_ends(first: date, last: date) -> Iterator[date]:
    day = first + relativedelta(day=31)
    while day <= last:
        yield day
        day += relativedelta(months=1, day=31)


def _month(day: date) -> str:
    return f"{day:%Y-%m}"
