"""What a customer is worth: the margin of what he holds, for as long as he is expected to stay, in today's money.

``amount = margin / 12 × Σ (stay × discount)^t`` over the months t = 1 … ``MONTHS``, where *margin* is the yearly margin
of his holdings (the median of its category for a product without one), *stay* the chance of staying a month,
``(1 − churn)^(1 / horizon)``, and *discount* ``(1 + DISCOUNT_RATE)^(−1/12)``: customer lifetime value with constant
retention (Gupta and Lehmann 2003), cut at five years. Without a churn model the yearly chance of leaving is that of the
customer's lifecycle stage, a rule.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from graph.words import LifecycleStage
from recommenders.arbitration import Arbitration
from recommenders.catalogue import Catalogue
from recommenders.insight import Value
from recommenders.view import CustomerView

MONTHS: Final = 60
DISCOUNT_RATE: Final = 0.08
"""A year."""
LEAVES: Final[Mapping[LifecycleStage, float]] = {
    LifecycleStage.PROSPECT: 0.0,
    LifecycleStage.NEW: 0.15,
    LifecycleStage.GROWING: 0.08,
    LifecycleStage.MATURE: 0.05,
    LifecycleStage.DECLINING: 0.25,
    LifecycleStage.DORMANT: 0.4,
    LifecycleStage.LOST: 1.0,
}
"""Chance of leaving within a year by stage, where none was learnt."""


def customer_value(customer: CustomerView, catalogue: Catalogue, churn: tuple[float, int] | None) -> Value | None:
    """Return a customer's worth; ``churn`` is the chance of being lost and its horizon in months.

    None where no product of the catalogue has a margin.
    """
    if all(product.margin is None for product in catalogue):
        return None
    margins = Arbitration(catalogue).values()
    margin = float(
        sum(margins[catalogue.index[h.product_code]] for h in customer.holdings if h.product_code in catalogue)
    )
    chance, months = churn if churn is not None else (LEAVES[customer.stage], 12)
    stay = (1 - chance) ** (1 / months)
    staying = stay ** np.arange(1, MONTHS + 1)
    worth = staying * (1 + DISCOUNT_RATE) ** (-np.arange(1, MONTHS + 1) / 12)
    return Value(
        round(margin / 12 * float(worth.sum()), 2),
        round(margin, 2),
        round(float(staying.sum()) / 12, 2),
        stay,
        churn is not None,
    )
