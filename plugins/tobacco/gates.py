"""A bureau's cards and working capital are for licensed retailers only."""

from typing import Final

import numpy as np

from graph.records import Product
from graph.words import ProgrammeKind
from plugins.tobacco.knowing import licence
from plugins.tobacco.offering import WORKING_CAPITAL
from recommenders.batch import Batch
from recommenders.contract import Mask
from recommenders.gates import Explanation, Rule, say
from recommenders.view import CustomerView


def _refuses(batch: Batch) -> Mask:
    capital: Mask = np.array([[product.purpose == WORKING_CAPITAL for product in batch.catalogue]])
    unlicensed = np.array([licence(customer) is None for customer in batch.customers], np.bool_)
    refused = unlicensed[:, None] & capital
    for row in np.flatnonzero(unlicensed):
        memberships = batch.customers[row].memberships
        own = {m.programme_code for m in memberships if m.programme_kind == ProgrammeKind.TOBACCO}
        if own:
            refused[row] |= [product.programme_code in own for product in batch.catalogue]
    return refused


def _explain(customer: CustomerView, _: Product) -> Explanation:
    seen = "member without licence" if customer.member_of("tobacco") else "no licence"
    return Explanation(
        say("It is for licensed tobacco retailers.", "仅限持证烟草零售户。"),
        seen,
        say("a tobacco licence", "烟草专卖零售许可证"),
    )


NO_TOBACCO_LICENCE: Final = Rule("eligibility", "NO_TOBACCO_LICENCE", _refuses, _explain)
