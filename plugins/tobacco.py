"""The tobacco programme: licensed retailers of a tobacco bureau, and nobody else.

A retailer with a licence gets the card that settles his orders with the bureau; one whose accounts turn over enough, a
working-capital loan: what the ``purpose`` column of the bank's file says is for ``working_capital``.
"""

from collections.abc import Callable, Iterable
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

WORKING_CAPITAL: Final = "working_capital"
LEAST_TURNOVER: Final = 20_000.0
"""Mean monthly inflow, in account currency, from which working capital is offered."""


def licence(customer: CustomerView) -> str | None:
    """Return the programme in which the customer is a retailer with a licence number."""
    for membership in customer.memberships:
        retailer = membership.programme_kind is ProgrammeKind.TOBACCO and membership.role is MemberRole.RETAILER
        if retailer and membership.reference:
            return membership.programme_code
    return None


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


def _refuses(batch: Batch) -> Mask:
    capital: Mask = np.array([[product.purpose == WORKING_CAPITAL for product in batch.catalogue]])
    unlicensed = np.array([licence(customer) is None for customer in batch.customers], np.bool_)
    refused = unlicensed[:, None] & capital
    for row in np.flatnonzero(unlicensed):
        memberships = batch.customers[row].memberships
        own = {m.programme_code for m in memberships if m.programme_kind is ProgrammeKind.TOBACCO}
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


@hookimpl
def recommenders(register: Callable[[Recommender], None]) -> None:
    """Register the programme's recommender."""
    register(FunctionRecommender("tobacco", "1", propose))


@hookimpl
def gates(register: Callable[[Gate], None]) -> None:
    """A bureau's cards and working capital are for licensed retailers only."""
    register(Rule("eligibility", "NO_TOBACCO_LICENCE", _refuses, _explain))


@hookimpl
def bundles(register: Callable[[BundleRule], None], catalogue: Catalogue) -> None:
    """Each bureau's order card with each working-capital loan."""
    title = say("Order now, pay after sales", "先订货后付款")
    otherwise = say("Both are for licensed retailers of your bureau.", "均面向持证烟草零售户。")
    for rule in card_bundles(catalogue, ProgrammeKind.TOBACCO, WORKING_CAPITAL, "STOCK", title, otherwise):
        register(rule)
