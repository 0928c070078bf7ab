"""What the programme offers students, staff and graduates."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from graph.words import MemberRole, ProgrammeKind
from plugins.programmes import for_purpose, own_products, programme_proposals
from recommenders.catalogue import Catalogue
from recommenders.contract import Proposal
from recommenders.gates import say
from recommenders.view import CustomerView

BEFORE_GRADUATION: Final = timedelta(days=183)
AFTER_GRADUATION: Final = timedelta(days=365)
STUDY: Final = "study"
FIRST_SALARY: Final = "first_salary"


def propose(customer: CustomerView, catalogue: Catalogue) -> Iterable[Proposal]:
    """Propose what the programme has for students, staff and graduates."""
    for membership in customer.all_memberships:
        if membership.programme_kind != ProgrammeKind.CAMPUS:
            continue
        code, until = membership.programme_code, membership.until
        current = membership in customer.memberships
        if current:
            yield from programme_proposals(
                customer,
                own_products(catalogue, code),
                code,
                0.9,
                say("Your university's own card.", "您所在大学的专属卡。"),
            )
        if current and membership.role is MemberRole.STUDENT:
            yield from programme_proposals(
                customer,
                for_purpose(catalogue, STUDY),
                code,
                0.5,
                say("For your studies.", "助力您的学业。"),
            )
        if until is not None and -BEFORE_GRADUATION <= customer.today - until <= AFTER_GRADUATION:
            yield from programme_proposals(
                customer,
                for_purpose(catalogue, FIRST_SALARY),
                code,
                0.8,
                say("For your first salary.", "迎接您的第一份工资。"),
            )
