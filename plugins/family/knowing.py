"""What the programme knows of a customer: what he is in his family, and since when."""

from datetime import date
from typing import Final

from graph.records import Members
from graph.words import MemberRole, ProgrammeKind
from plugins.contract import Breakdown, Field
from recommenders.contract import LifeEvent
from recommenders.gates import say
from recommenders.view import CustomerView


def role(customer: CustomerView) -> MemberRole | None:
    """Whether he is the principal of a family or a dependant; None where he is in none."""
    membership = customer.membership(ProgrammeKind.FAMILY)
    return membership.role if membership else None


def joined_on(customer: CustomerView) -> date | None:
    """The day on which he joined his family's programme; None where he is in none, or that day is not known."""
    membership = customer.membership(ProgrammeKind.FAMILY)
    return membership.since if membership else None


JOINED: Final = LifeEvent("FAMILY_JOINED", say("Joined a family programme", "加入家庭项目"), joined_on)
FIELDS: Final = (Field("Customer", "role", MemberRole | None, role, "What he is in a family programme today."),)


def _by_role(members: Members, _: date) -> str:
    return "principals" if members.role == MemberRole.PRINCIPAL else "dependants and others"


ROLES: Final = Breakdown(ProgrammeKind.FAMILY, "roles", _by_role)
