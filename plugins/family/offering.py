"""What the programme offers a principal and dependants."""

from collections.abc import Iterable
from typing import Final

from graph.words import MemberRole, ProgrammeKind
from plugins.programmes import own_products, programme_proposals
from recommenders.catalogue import Catalogue
from recommenders.contract import Proposal
from recommenders.gates import say
from recommenders.view import CustomerView

ON_CREDIT: Final = say("One card limit for the whole family.", "全家共享额度。")
SHARED: Final = say("It is for the whole family.", "全家共享。")
SCORES: Final = {MemberRole.PRINCIPAL: 0.8, MemberRole.DEPENDANT: 0.5}


def propose(customer: CustomerView, catalogue: Catalogue) -> Iterable[Proposal]:
    """Propose the family's cards to its principal and dependants."""
    for membership in customer.memberships:
        code, score = membership.programme_code, SCORES.get(membership.role)
        if membership.programme_kind == ProgrammeKind.FAMILY and score is not None:
            for product in own_products(catalogue, code):
                yield from programme_proposals(
                    customer, [product], code, score, ON_CREDIT if product.credit else SHARED
                )
