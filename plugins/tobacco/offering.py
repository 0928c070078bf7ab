"""What the programme offers licensed retailers."""

from collections.abc import Iterable
from typing import Final

from plugins.programmes import for_purpose, own_products, programme_proposals
from plugins.tobacco.knowing import licence
from recommenders.catalogue import Catalogue
from recommenders.contract import Proposal
from recommenders.gates import say
from recommenders.view import CustomerView

WORKING_CAPITAL: Final = "working_capital"
LEAST_TURNOVER: Final = 20_000.0
"""Mean monthly inflow, in account currency, from which working capital is offered."""


def propose(customer: CustomerView, catalogue: Catalogue) -> Iterable[Proposal]:
    """Propose the order card, and working capital by turnover."""
    code = licence(customer)
    if code is None:
        return
    yield from programme_proposals(
        customer,
        own_products(catalogue, code),
        code,
        0.9,
        say("It settles your orders with the bureau.", "用于结算烟草订货。"),
    )
    if (customer.monthly_inflow or 0.0) >= LEAST_TURNOVER:
        yield from programme_proposals(
            customer,
            for_purpose(catalogue, WORKING_CAPITAL),
            code,
            0.7,
            say("Your turnover supports it.", "您的流水满足申请条件。"),
        )
