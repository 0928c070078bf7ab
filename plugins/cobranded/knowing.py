"""What the programme knows of a customer: whether he is the partner's, and for how long."""

from datetime import date
from typing import Final

from graph.records import Members
from graph.words import ProgrammeKind
from plugins.contract import Breakdown, Field
from recommenders.contract import LifeEvent
from recommenders.gates import say
from recommenders.view import CustomerView


def ends_on(customer: CustomerView) -> date | None:
    """The first day on which one of his programmes with a brand ends; None where none does."""
    own = [m for m in customer.memberships if m.programme_kind == ProgrammeKind.COBRANDED]
    return min((m.programme_ends_on for m in own if m.programme_ends_on is not None), default=None)


ENDS: Final = LifeEvent("COBRANDED_END", say("A co-branded programme ends", "联名项目到期"), ends_on)
FIELDS: Final = (
    Field(
        "Customer", "ends_on", date | None, ends_on, "The first day on which one of his programmes with a brand ends."
    ),
)


def _by_year(members: Members, _: date) -> str:
    return f"joined in {members.since.year}" if members.since else "joined on an unknown day"


YEARS: Final = Breakdown(ProgrammeKind.COBRANDED, "years", _by_year)
