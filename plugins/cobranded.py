"""Co-branded programmes: a partner's customers, the partner's benefits, while the programme runs."""

from collections.abc import Callable, Iterable

from graph.words import ProgrammeKind
from plugins.functions import FunctionRecommender
from plugins.hookspecs import hookimpl
from plugins.programmes import own_products, programme_proposals
from recommenders.catalogue import Catalogue
from recommenders.contract import Proposal, Recommender
from recommenders.view import CustomerView


def propose(customer: CustomerView, catalogue: Catalogue) -> Iterable[Proposal]:
    """Propose the partner's card to the partner's customers; memberships end with the programme's own dates."""
    for membership in customer.memberships:
        if membership.programme_kind is ProgrammeKind.COBRANDED:
            yield from programme_proposals(
                customer,
                own_products(catalogue, membership.programme_code),
                membership.programme_code,
                0.7,
                "It earns points where you already shop.",
                "在您常去的商户消费可累积积分。",
            )


@hookimpl
def recommenders(register: Callable[[Recommender], None]) -> None:
    """Register the programme's recommender."""
    register(FunctionRecommender("cobranded", "1", propose))
