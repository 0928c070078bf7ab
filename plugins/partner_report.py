"""The report for a programme's partner: aggregates alone, from which nobody is learnt, not even by comparing.

It tells of whole months that are over, by their rounded counts as they were released (``programme_releases``), and
moves a number when more than 20 customers have changed (``partner_rounding``). A customer counts in the month in which
an offer was first shown to him, or first taken.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from graph.programme_releases import Numbers
from graph.records import Product, Programme
from graph.store import Store
from plugins.host import PluginHost
from plugins.partner_rounding import BASE, STEP, told
from plugins.programme_releases import MEMBERS, OWN, SHOWN, TAKEN, releases


@dataclass(frozen=True, slots=True)
class Group:
    """So many members, in a few words."""

    name: str
    members: int


@dataclass(frozen=True, slots=True)
class Counted:
    """Members by group, each rounded for itself; those that are too small are left out.

    Attributes:
        is_counted: whether one of the months has it: a new breakdown begins with the next that is released.
    """

    name: str
    groups: tuple[Group, ...]
    is_counted: bool = True


@dataclass(frozen=True, slots=True)
class Period:
    """Months ``YYYY-MM`` from one to another, and how many customers saw their first offer in them."""

    since: str
    until: str
    shown: int


@dataclass(frozen=True, slots=True)
class TakenPeriod:
    """Months in which so many customers took an offer for the first time, of so many who first saw one."""

    since: str
    until: str
    shown: int
    taken: int

    @property
    def rate(self) -> float:
        """How many took one for each who saw one."""
        return self.taken / self.shown


@dataclass(frozen=True, slots=True)
class PartnerReport:
    """What a partner is told; None, and nothing listed, where there are too few customers.

    Attributes:
        as_of: the last day that it tells of.
        spent: what the benefit cost for those who took an offer, in the bank's currency.
    """

    programme_code: str
    name: str
    as_of: date
    members: int | None
    breakdowns: tuple[Counted, ...]
    shown: int | None
    taken: int | None
    shown_periods: tuple[Period, ...]
    taken_periods: tuple[TakenPeriod, ...]
    budget: float | None
    spent: float | None
    quota: int | None


async def partner_report(
    store: Store, programme: Programme, products: Iterable[Product], host: PluginHost, today: date
) -> PartnerReport:
    """Return a programme's report, up to the end of the month before today's; what was not released yet is now.

    Breakdowns that are late for one of its months are not in it.
    """
    as_of = today.replace(day=1) - timedelta(1)
    released = await releases(store, programme, products, host, as_of)
    months = {month: own.numbers for month, own in released.items()}
    late = {name for own in released.values() for name in own.late}
    those = [own for own, _ in host.of("breakdowns") if own.kind == programme.kind and own.name not in late]
    shown = {month: numbers[OWN][SHOWN] for month, numbers in months.items()}
    taken = {month: numbers[OWN][TAKEN] for month, numbers in months.items()}
    periods = tuple(shown_periods(shown))
    taken_periods = tuple(joined(periods, taken))
    sum_taken = sum(period.taken for period in taken_periods) or None
    terms = programme.terms
    return PartnerReport(
        programme.programme_code,
        programme.name,
        as_of,
        told(numbers[OWN][MEMBERS] for numbers in months.values()),
        tuple(breakdown_of(own.name, months.values()) for own in those),
        sum(period.shown for period in periods) or None,
        sum_taken,
        periods,
        taken_periods,
        terms.budget if terms else None,
        terms.cost * sum_taken if terms and sum_taken else None,
        terms.quota if terms else None,
    )


def breakdown_of(name: str, months: Collection[Numbers]) -> Counted:
    """Return what is told of a breakdown by the months that are released."""
    return Counted(name, told_groups(name, months), any(name in numbers for numbers in months))


def told_groups(breakdown: str, months: Collection[Numbers]) -> tuple[Group, ...]:
    """Return the groups that are large enough, the largest first; months without the breakdown tell nothing of it."""
    counted = [numbers[breakdown] for numbers in months if breakdown in numbers]
    names = {name for groups in counted for name in groups}
    those = {name: told(groups.get(name, 0) for groups in counted) for name in names}
    return tuple(sorted((Group(name, count) for name, count in those.items() if count), key=_by_size))


def shown_periods(shown: Mapping[str, int]) -> Iterator[Period]:
    """Yield months joined until their last rounded sum is a step above that of the period before."""
    since, before = None, 0
    for month, count in shown.items():
        since = since or month
        if count - before >= STEP:
            yield Period(since, month, count - before)
            since, before = None, count


def joined(periods: Sequence[Period], taken: Mapping[str, int]) -> Iterator[TakenPeriod]:
    """Yield periods joined until enough customers took an offer, and enough who saw one did not.

    ``taken`` are rounded sums by month. Two of them and two of those who saw one are each less than a base off.
    """
    since, shown, before = None, 0, 0
    for period in periods:
        since, shown, takers = since or period.since, shown + period.shown, taken[period.until] - before
        if takers >= STEP and shown - takers >= STEP + BASE:
            yield TakenPeriod(since, period.until, shown, takers)
            since, shown, before = None, 0, taken[period.until]


def _by_size(group: Group) -> tuple[int, str]:
    return -group.members, group.name
