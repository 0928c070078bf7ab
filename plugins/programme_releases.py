"""What is released of a programme: its rounded counts at the end of each month, once, and never again.

What comes to be known later of a month that is released counts in the next one.
"""

import asyncio
import logging
import secrets
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeAlias

from dateutil.relativedelta import relativedelta

from graph import programme_releases
from graph.programme_figures import Reached, members, reached
from graph.programme_releases import Numbers, Release
from graph.records import Members, Product, Programme
from graph.store import Store
from graph.terms import beginning
from graph.words import OutcomeKind
from plugins.contract import Breakdown
from plugins.failures.failure import Asked
from plugins.failures.telling import placed, told
from plugins.host import PluginHost
from plugins.infos import PluginInfo
from plugins.isolation.breakdowns import counted
from plugins.partner_rounding import offset_of, rounded
from recommenders.contract import Omitted

logger = logging.getLogger("guanxi.plugins")

Counts: TypeAlias = dict[str, Mapping[str, int]]
"""Counts of a month by breakdown and group, as they are."""
OWN: Final = ""
"""The breakdown of counts that every report has."""
MEMBERS, SHOWN, TAKEN = "members", "shown", "taken"
KINDS: Final = {SHOWN: OutcomeKind.IMPRESSION, TAKEN: OutcomeKind.ACCEPT}


async def releases(
    store: Store, programme: Programme, products: Iterable[Product], host: PluginHost, as_of: date
) -> dict[str, Release]:
    """Return the months up to one that ends ``as_of``, the first first; those not released yet are released now.

    A breakdown that fails is told to its owner; it is late, and released by itself once it can be counted.
    """
    contract = f"{programme.programme_code}|{programme.starts_on or ''}"
    breakdowns = [(own, info) for own, info in host.of("breakdowns") if own.kind == programme.kind]
    names = {own.name for own, _ in breakdowns}
    found = await programme_releases.releases(store, contract)
    late = {month: own.late for month, own in found.items() if names.intersection(own.late)}
    is_due = not found or max(found) < _month(as_of)
    if is_due or late:
        ever = await members(store, programme.programme_code)
        own = [product.product_code for product in products if product.programme_code == programme.programme_code]
        due = await _due(store, programme, own, ever, max(found, default=None), as_of) if is_due else {}
        added = dict[str, Counts]((month, {}) for month in late)
        failed = []
        for breakdown, info in breakdowns:
            wanted = [*due, *(month for month in late if breakdown.name in late[month])]
            counts = await _counted(host, breakdown, info, ever, wanted)
            if counts is None:
                failed.append(breakdown.name)
                continue
            for month in wanted:
                (due if month in due else added)[month][breakdown.name] = counts[month]
        secret = await programme_releases.secret(store, contract, secrets.token_hex())
        if due:
            await programme_releases.release(store, contract, _rounded(due, secret), datetime.now(UTC), failed)
        if any(added.values()):
            await programme_releases.complete(store, contract, found, _rounded(added, secret))
        found = await programme_releases.releases(store, contract)
    return {month: own for month, own in found.items() if month <= _month(as_of)}


async def _due(
    store: Store,
    programme: Programme,
    products: Sequence[str],
    ever: Sequence[Members],
    released: str | None,
    as_of: date,
) -> dict[str, Counts]:
    """The months that are not released yet, with the counts that every report has."""
    since, until = beginning(programme.starts_on), datetime.combine(as_of + timedelta(1), time(), UTC)
    firsts = {figure: _firsts(await reached(store, products, kind, since, until)) for figure, kind in KINDS.items()}
    begun = programme.starts_on or min((days[0] for days in firsts.values() if days), default=as_of)
    first = date.fromisoformat(f"{released}-01") + relativedelta(months=1) if released else begun
    return {_month(day): {OWN: _count(firsts, ever, day)} for day in _month_ends(first, as_of)}


def _count(firsts: Mapping[str, Sequence[date]], ever: Iterable[Members], day: date) -> dict[str, int]:
    counts = {figure: bisect_right(days, day) for figure, days in firsts.items()}
    return counts | {MEMBERS: sum(own.count for own in ever if own.are_there(day))}


async def _counted(
    host: PluginHost, breakdown: Breakdown, plugin: PluginInfo, ever: Sequence[Members], months: Sequence[str]
) -> dict[str, dict[str, int]] | None:
    """Members by month and group; None where the breakdown fails, which is told, or is still at an earlier report."""
    at = f"breakdown {breakdown.name}"
    days = {month: date.fromisoformat(f"{month}-01") + relativedelta(day=31) for month in months}
    if not months:
        return {}
    try:
        counts = await counted(breakdown, ever, list(days.values()))
    except Omitted:
        return None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
        plugin.note(f"{at}: {told(error)}", placed(error))
        logger.warning("%s of plugin %s failed: %s", at, plugin.name, placed(error))
        await asyncio.to_thread(host.reports.tell, plugin, "breakdowns", breakdown.name, error, Asked.of())
        return None
    plugin.mend(at)
    return {month: counts[day] for month, day in days.items()}


def _rounded(months: Mapping[str, Counts], secret: str) -> dict[str, Numbers]:
    return {
        month: {
            breakdown: {group: rounded(count, offset_of(secret, breakdown, group)) for group, count in groups.items()}
            for breakdown, groups in counts.items()
        }
        for month, counts in months.items()
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
