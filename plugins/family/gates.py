"""No credit for who is not known to be an adult."""

from typing import Final

import numpy as np

from graph.records import Product
from recommenders.batch import Batch
from recommenders.contract import Mask
from recommenders.gates import Explanation, Rule, say
from recommenders.view import CustomerView

ADULT: Final = 18


def _refuses(batch: Batch) -> Mask:
    not_known_adult: Mask = ~(batch.ages[:, None] >= ADULT) & batch.are_persons[:, None]
    credit: Mask = np.array([[product.credit for product in batch.catalogue]])
    return not_known_adult & credit


def _explain(customer: CustomerView, _: Product) -> Explanation:
    saw = "unknown" if customer.age is None else str(customer.age)
    return Explanation(say("Credit is for those known to be adults.", "信贷仅限已知成年的客户。"), saw)


MINOR: Final = Rule("credit", "MINOR", _refuses, _explain)
