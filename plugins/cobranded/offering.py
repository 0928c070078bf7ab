"""What the programme offers the partner's customers."""

from collections.abc import Iterable
from typing import Final

from graph.words import ProgrammeKind
from plugins.programmes import benefit, own_products, programme_proposals
from recommenders.catalogue import Catalogue
from recommenders.contract import Proposal
from recommenders.gates import say
from recommenders.view import CustomerView

NEUTRAL: Final = say("You are a member of its programme.", "您是该联名项目的会员。")
"""Said where the bank's file names no benefit; it promises nothing."""


def propose(customer: CustomerView, catalogue: Catalogue) -> Iterable[Proposal]:
    """Propose the partner's card to the partner's customers; memberships end with the programme's own dates."""
    for membership in customer.memberships:
        if membership.programme_kind == ProgrammeKind.COBRANDED:
            for product in own_products(catalogue, membership.programme_code):
                yield from programme_proposals(
                    customer, [product], membership.programme_code, 0.7, benefit(product, NEUTRAL)
                )
