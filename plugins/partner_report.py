"""The report for a programme's partner: aggregates alone, of no fewer than 20 customers, and none by subtraction.

It tells of whole months that are over. Months with too few customers are joined to those that follow, and told once
there are enough; the sums are of what is told, so that no two reports differ by a few. A customer counts in the month
in which an offer was first shown to him, or first taken.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from graph.programme_figures import Reached, members, reached
from graph.records import Members, Product, Programme
from graph.store import Store
from graph.terms import beginning
from graph.words import OutcomeKind
from plugins.contract import Breakdown
from recommenders.evaluation import LEAST_GROUP

SHOWN: Final = (OutcomeKind.IMPRESSION, OutcomeKind.ACCEPT)


@dataclass(frozen=True, slots=True)
class Group:
    """So many members, in a few words."""

    name: str
    members: int


@dataclass(frozen=True, slots=True)
class Counted:
    """Members by group; groups that are too small, or follow from the others, are left out."""

    name: str
    groups: tuple[Group, ...]


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
    periods: tuple[Period, ...]
    taken_periods: tuple[TakenPeriod, ...]
    budget: float | None
    spent: float | None
    quota: int | None


async def partner_report(
    store: Store, programme: Programme, products: Iterable[Product], breakdowns: Iterable[Breakdown], today: date
) -> PartnerReport:
    """Return a programme's report, up to the end of the month before today's."""
    as_of = today.replace(day=1) - timedelta(1)
    code = programme.programme_code
    own = [product.product_code for product in products if product.programme_code == code]
    since, until = beginning(programme.starts_on), datetime.combine(today.replace(day=1), time(), UTC)
    shown, taken = [_by_month(await reached(store, own, kind, since, until)) for kind in SHOWN]
    periods = tuple(shown_periods(shown, taken))
    taken_periods = tuple(joined(periods, taken))
    present = await members(store, code, as_of)
    those = [breakdown for breakdown in breakdowns if breakdown.kind == programme.kind]
    sum_taken = sum(period.taken for period in taken_periods) or None
    terms = programme.terms
    return PartnerReport(
        code,
        programme.name,
        as_of,
        _enough(sum(group.count for group in present)),
        tuple(Counted(own.name, told_groups(own.group, present, as_of)) for own in those),
        sum(period.shown for period in periods) or None,
        sum_taken,
        periods,
        taken_periods,
        terms.budget if terms else None,
        terms.cost * sum_taken if terms and sum_taken else None,
        terms.quota if terms else None,
    )


def told_groups(group: Callable[[Members, date], str], present: Collection[Members], day: date) -> tuple[Group, ...]:
    """Return the groups that are large enough; with those left out, at least as many as make up a group."""
    counts = Counter[str]()
    for own in present:
        counts[group(own, day)] += own.count
    told = sorted((Group(name, count) for name, count in counts.items() if count >= LEAST_GROUP), key=_by_size)
    hidden = counts.total() - sum(own.members for own in told)
    while told and 0 < hidden < LEAST_GROUP:
        hidden += told.pop().members
    return tuple(told)


def shown_periods(shown: Mapping[str, int], taken: Mapping[str, int]) -> Iterator[Period]:
    """Yield months joined so that enough customers saw their first offer in each; what is left over is not told."""
    since, count = None, 0
    for month in sorted(shown.keys() | taken.keys()):
        since, count = since or month, count + shown.get(month, 0)
        if count >= LEAST_GROUP:
            yield Period(since, month, count)
            since, count = None, 0


def joined(periods: Sequence[Period], taken: Mapping[str, int]) -> Iterator[TakenPeriod]:
    """Yield periods joined so that enough customers took an offer, and enough who saw one did not."""
    since, shown, takers = None, 0, 0
    for period in periods:
        since, shown = since or period.since, shown + period.shown
        takers += sum(count for month, count in taken.items() if period.since <= month <= period.until)
        if takers >= LEAST_GROUP and shown - takers >= LEAST_GROUP:
            yield TakenPeriod(since, period.until, shown, takers)
            since, shown, takers = None, 0, 0


def _by_month(found: Iterable[Reached]) -> Counter[str]:
    """What is left of erased customers is nobody's, and makes no group larger."""
    return Counter(f"{own.first:%Y-%m}" for own in found if own.is_known)


def _enough(count: int) -> int | None:
    return count if count >= LEAST_GROUP else None


def _by_size(group: Group) -> tuple[int, str]:
    return -group.members, group.name
