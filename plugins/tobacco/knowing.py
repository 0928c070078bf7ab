"""What the programme knows of a customer: his licence."""

from datetime import date
from typing import Final

from graph.records import Members
from graph.words import MemberRole, ProgrammeKind
from plugins.contract import Breakdown, Field
from recommenders.contract import LifeEvent
from recommenders.gates import say
from recommenders.view import CustomerView


def licence(customer: CustomerView) -> str | None:
    """Return the programme in which the customer is a retailer with a licence number."""
    for membership in customer.memberships:
        retailer = membership.programme_kind == ProgrammeKind.TOBACCO and membership.role is MemberRole.RETAILER
        if retailer and membership.reference:
            return membership.programme_code
    return None


def licensed_on(customer: CustomerView) -> date | None:
    """The first day of his licence; None where he has none, or that day is not known."""
    code = licence(customer)
    membership = customer.membership(code, MemberRole.RETAILER) if code else None
    return membership.since if membership else None


LICENCE: Final = LifeEvent(
    "TOBACCO_LICENCE", say("Licensed as a tobacco retailer", "取得烟草专卖零售许可"), licensed_on
)
FIELDS: Final = (
    Field(
        "Customer",
        "is_licensed",
        bool,
        lambda customer: licence(customer) is not None,
        "Whether he is a licensed retailer of a tobacco bureau today.",
    ),
)


def _by_licence(members: Members, _: date) -> str:
    is_licensed = members.role == MemberRole.RETAILER and members.has_reference
    return "licensed retailers" if is_licensed else "others"


LICENCES: Final = Breakdown(ProgrammeKind.TOBACCO, "licences", _by_licence)
