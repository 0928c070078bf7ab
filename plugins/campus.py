"""The campus programme: students and staff of a partner university.

Members get the university's card; students, what is for ``study``, such as a loan; who graduated in the last year, or
will within half a year, what is for a ``first_salary``: products say so in the ``purpose`` column of the bank's file.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final

import numpy as np

from graph.records import Product
from graph.words import MemberRole, ProgrammeKind
from plugins.functions import FunctionRecommender
from plugins.hookspecs import hookimpl
from plugins.programmes import card_bundles, for_purpose, own_products, programme_proposals
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import BundleRule, Gate, Mask, Proposal, Recommender
from recommenders.gates import Explanation, Rule, say
from recommenders.view import CustomerView

BEFORE_GRADUATION: Final = timedelta(days=183)
AFTER_GRADUATION: Final = timedelta(days=365)
STUDY: Final = "study"
FIRST_SALARY: Final = "first_salary"


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


def _refuses(batch: Batch) -> Mask:
    for_students: Mask = np.array([[product.purpose == STUDY for product in batch.catalogue]])
    are_none: Mask = np.array([[not customer.is_student] for customer in batch.customers])
    return are_none & for_students


def _explain(customer: CustomerView, _: Product) -> Explanation:
    seen = "member who is no student" if customer.member_of("campus") else "no student"
    return Explanation(
        say("It is for students of a partner university.", "仅限合作院校的在读学生。"),
        seen,
        say("studies at a partner university", "就读于合作院校"),
    )


@hookimpl
def recommenders(register: Callable[[Recommender], None]) -> None:
    """Register the programme's recommender."""
    register(FunctionRecommender("campus", "1", propose))


@hookimpl
def gates(register: Callable[[Gate], None]) -> None:
    """What is for studies is for students only."""
    register(Rule("eligibility", "NOT_A_STUDENT", _refuses, _explain))


@hookimpl
def bundles(register: Callable[[BundleRule], None], catalogue: Catalogue) -> None:
    """Each university's card with each student loan."""
    title = say("Campus start", "校园启航")
    otherwise = say("Both are for members of your university.", "均面向您所在大学的成员。")
    for rule in card_bundles(catalogue, ProgrammeKind.CAMPUS, STUDY, "STUDY", title, otherwise):
        register(rule)
