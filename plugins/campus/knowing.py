"""What the programme knows of a customer: whether he studies, and when he graduates."""

from datetime import date
from typing import Final

from graph.records import Members
from graph.words import MemberRole, ProgrammeKind
from plugins.contract import Breakdown, Field
from recommenders.contract import LifeEvent
from recommenders.gates import say
from recommenders.view import CustomerView


def is_student(customer: CustomerView) -> bool:
    """Whether the customer studies at a partner university today."""
    return customer.member_of(ProgrammeKind.CAMPUS, MemberRole.STUDENT)


def graduation(customer: CustomerView) -> date | None:
    """The last day of the latest studies, ahead or over; None where there is none, or no such day is known."""
    own = [m for m in customer.all_memberships if m.programme_kind == ProgrammeKind.CAMPUS]
    return max((m.until for m in own if m.role is MemberRole.STUDENT and m.until is not None), default=None)


GRADUATION: Final = LifeEvent("CAMPUS_GRADUATION", say("Graduation", "毕业"), graduation)
FIELDS: Final = (
    Field("Customer", "is_student", bool, is_student, "Whether he studies at a partner university today."),
    Field("Customer", "graduates_on", date | None, graduation, "The last day of his latest studies, ahead or over."),
)


def _by_studies(members: Members, day: date) -> str:
    if members.role != MemberRole.STUDENT:
        return "staff"
    ends = members.until
    return "students" if ends is None or ends.year > day.year else "students who graduate this year"


STUDIES: Final = Breakdown(ProgrammeKind.CAMPUS, "studies", _by_studies)
