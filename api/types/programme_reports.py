"""What a programme's partner is told of it: aggregates alone."""

from datetime import date

import strawberry

from api.costs import assumed
from plugins import partner_report

BREAKDOWNS = 3
GROUPS = 10
PERIODS = 24


@strawberry.type(description="So many members of a programme.")
class MemberGroup:
    """A group of more than 20."""

    name: str = strawberry.field(description="Who they are, in a few words.")
    members: int = strawberry.field(description="How many.")


@strawberry.type(description="A programme's members by group, each rounded for itself, without those too small.")
class MemberBreakdown:
    """A breakdown by the programme's plugin."""

    name: str = strawberry.field(description="What is counted, such as `roles`.")
    groups: list[MemberGroup] = strawberry.field(
        description="The groups, the largest first.", directives=[assumed(GROUPS)]
    )


@strawberry.type(description="Months in which customers saw their first offer of a programme.")
class ShownPeriod:
    """One month, or several that are joined so that there are enough customers."""

    since: str = strawberry.field(description="The first month, `YYYY-MM`.")
    until: str = strawberry.field(description="The last month, `YYYY-MM`.")
    shown: int = strawberry.field(description="How many customers.")


@strawberry.type(description="Months in which customers took their first offer of a programme.")
class TakenPeriod:
    """Periods joined so that there are enough customers who took one, and enough who did not."""

    since: str = strawberry.field(description="The first month, `YYYY-MM`.")
    until: str = strawberry.field(description="The last month, `YYYY-MM`.")
    shown: int = strawberry.field(description="How many customers saw their first offer.")
    taken: int = strawberry.field(description="How many customers took one.")
    rate: float = strawberry.field(description="How many took one for each who saw one.")


@strawberry.type(
    description="What a programme's partner is told of whole months: counts rounded to 20, each of more than 20 "
    "customers; a month that was told once is told again as it was."
)
class ProgrammeReport:
    """The report of ``plugins.partner_report``."""

    as_of: date = strawberry.field(description="The last day that it tells of: the end of a month.")
    members: int | None = strawberry.field(
        description="How many members it had on that day; a number that was told moves when more than 20 have changed."
    )
    breakdowns: list[MemberBreakdown] = strawberry.field(
        description="Those members by what they are.", directives=[assumed(BREAKDOWNS)]
    )
    shown: int | None = strawberry.field(description="How many customers saw an offer: the sum of `shownPeriods`.")
    taken: int | None = strawberry.field(description="How many customers took one: the sum of `takenPeriods`.")
    shown_periods: list[ShownPeriod] = strawberry.field(
        description="By when they saw their first.", directives=[assumed(PERIODS)]
    )
    taken_periods: list[TakenPeriod] = strawberry.field(
        description="By when they took their first.", directives=[assumed(PERIODS)]
    )
    budget: float | None = strawberry.field(description="What the benefit may cost in all, in the bank's currency.")
    spent: float | None = strawberry.field(description="What it cost for as many as `taken`.")
    quota: int | None = strawberry.field(
        description="How many places there may be: one for each product that a customer took; `taken` has him once."
    )

    @classmethod
    def of(cls, told: partner_report.PartnerReport) -> "ProgrammeReport":
        """Make the type of a report."""
        return cls(
            as_of=told.as_of,
            members=told.members,
            breakdowns=[
                MemberBreakdown(name=own.name, groups=[MemberGroup(name=g.name, members=g.members) for g in own.groups])
                for own in told.breakdowns
            ],
            shown=told.shown,
            taken=told.taken,
            shown_periods=[ShownPeriod(since=p.since, until=p.until, shown=p.shown) for p in told.shown_periods],
            taken_periods=[
                TakenPeriod(since=p.since, until=p.until, shown=p.shown, taken=p.taken, rate=p.rate)
                for p in told.taken_periods
            ],
            budget=told.budget,
            spent=told.spent,
            quota=told.quota,
        )
