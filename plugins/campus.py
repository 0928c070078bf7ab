"""The campus programme: students and staff of a partner university.

Members get the university's card; students, the student loan; who graduated in the last year, or will within half a
year, a first salary account.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final

from graph.words import MemberRole, ProgrammeKind
from plugins.functions import FunctionRecommender
from plugins.hookspecs import hookimpl
from plugins.programmes import named, own_products, programme_proposals
from recommenders.catalogue import Catalogue
from recommenders.contract import BundleRule, Proposal, Recommender
from recommenders.gates import say
from recommenders.view import CustomerView

BEFORE_GRADUATION: Final = timedelta(days=183)
AFTER_GRADUATION: Final = timedelta(days=365)
STUDENT_LOANS: Final = ("STUDENT-LOAN",)
FIRST_ACCOUNTS: Final = ("SALARY-ACCOUNT",)


def propose(customer: CustomerView, catalogue: Catalogue) -> Iterable[Proposal]:
    """Propose what the programme has for students, staff and graduates."""
    for membership in customer.all_memberships:
        if membership.programme_kind is not ProgrammeKind.CAMPUS:
            continue
        code, until = membership.programme_code, membership.until
        current = membership in customer.memberships
        if current:
            yield from programme_proposals(
                customer,
                own_products(catalogue, code),
                code,
                0.9,
                "Your university's own card.",
                "您所在大学的专属卡。",
            )
        if current and membership.role is MemberRole.STUDENT:
            yield from programme_proposals(
                customer, named(catalogue, *STUDENT_LOANS), code, 0.5, "For your studies.", "助力您的学业。"
            )
        if until is not None and -BEFORE_GRADUATION <= customer.today - until <= AFTER_GRADUATION:
            yield from programme_proposals(
                customer, named(catalogue, *FIRST_ACCOUNTS), code, 0.8, "For your first salary.", "迎接您的第一份工资。"
            )


@hookimpl
def recommenders(register: Callable[[Recommender], None]) -> None:
    """Register the programme's recommender."""
    register(FunctionRecommender("campus", "1", propose))


@hookimpl
def bundles(register: Callable[[BundleRule], None], catalogue: Catalogue) -> None:
    """Each university's card with the student loan."""
    for loan in named(catalogue, *STUDENT_LOANS):
        for product in catalogue:
            if product.programme_code and product.product_code.startswith("CAMPUS"):
                register(
                    BundleRule(
                        f"STUDY-{product.programme_code}",
                        (product.product_code, loan.product_code),
                        say("Campus start", "校园启航"),
                        say("No card fee while you study", "在读期间免年费"),
                    )
                )
