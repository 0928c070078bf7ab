"""The family programme: a principal, and dependants with supplementary cards on the principal's limit.

Both are offered the family's cards, the principal first. That the principal's limit holds for all of them is the
bank's own gate ``CREDIT_LIMIT``, which holds without this plugin too. Nobody is offered credit who is not known to be
an adult.
"""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from graph.records import Product
from graph.words import MemberRole, ProgrammeKind
from plugins.functions import FunctionRecommender
from plugins.hookspecs import hookimpl
from plugins.programmes import own_products, programme_proposals
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Gate, Mask, Proposal, Recommender
from recommenders.gates import Explanation, Rule, say
from recommenders.view import CustomerView

ADULT: Final = 18
ON_CREDIT: Final = say("One card limit for the whole family.", "全家共享额度。")
SHARED: Final = say("It is for the whole family.", "全家共享。")
SCORES: Final = {MemberRole.PRINCIPAL: 0.8, MemberRole.DEPENDANT: 0.5}


def propose(customer: CustomerView, catalogue: Catalogue) -> Iterable[Proposal]:
    """Propose the family's cards to its principal and dependants."""
    for membership in customer.memberships:
        code, score = membership.programme_code, SCORES.get(membership.role)
        if membership.programme_kind is ProgrammeKind.FAMILY and score is not None:
            for product in own_products(catalogue, code):
                yield from programme_proposals(
                    customer, [product], code, score, ON_CREDIT if product.credit else SHARED
                )


def _refuses(batch: Batch) -> Mask:
    not_known_adult: Mask = ~(batch.ages[:, None] >= ADULT) & batch.are_persons[:, None]
    credit: Mask = np.array([[product.credit for product in batch.catalogue]])
    return not_known_adult & credit


def _explain(customer: CustomerView, _: Product) -> Explanation:
    saw = "unknown" if customer.age is None else str(customer.age)
    return Explanation(say("Credit is for those known to be adults.", "信贷仅限已知成年的客户。"), saw)


@hookimpl
def recommenders(register: Callable[[Recommender], None]) -> None:
    """Register the programme's recommender."""
    register(FunctionRecommender("family", "1", propose))


@hookimpl
def gates(register: Callable[[Gate], None]) -> None:
    """No credit for minors."""
    register(Rule("credit", "MINOR", _refuses, _explain))
