"""Factories of small banks: customers, products, batches and portfolios that a test changes one thing of."""

from dataclasses import replace
from datetime import date

import pytest

from graph.records import Customer, Holding, Product
from graph.words import CustomerKind, RiskProfile
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Context
from recommenders.portfolio import Ledger

TODAY = date(2026, 6, 30)


@pytest.fixture
def today():
    return TODAY


@pytest.fixture
def person():
    """Return a function: a customer whom no gate refuses anything; ``holds`` names what he has."""
    base = Customer(
        "C1",
        CustomerKind.PERSON,
        birth_date=date(1990, 5, 1),
        risk_profile=RiskProfile.C3,
        credit_limit=10_000.0,
        marketing_consent=True,
    )

    def make(customer_no="C1", holds=(), **changes):
        changes.setdefault("holdings", tuple(Holding(code) for code in holds))
        return replace(base, customer_no=customer_no, **changes)

    return make


@pytest.fixture
def product():
    def make(product_code, **changes):
        return Product(product_code, **{"name": product_code.title(), "category": "deposit"} | changes)

    return make


@pytest.fixture
def catalogue(product):
    """Return a function: the catalogue of products, or of plain ones by their codes."""

    def make(*products):
        return Catalogue([product(item) if isinstance(item, str) else item for item in products])

    return make


@pytest.fixture
def context():
    def make(**changes):
        return Context(**{"today": TODAY} | changes)

    return make


@pytest.fixture
def batch(context):
    def make(customers, catalogue, **changes):
        return Batch.of(customers, catalogue, context(**changes))

    return make


@pytest.fixture
def portfolio():
    """Return a function: the portfolio of rows as the graph gives them; a bare product code is held since ever."""

    def make(catalogue, rows, day=TODAY):
        ledger = Ledger(catalogue)
        for row in rows:
            whole = {
                "customer_no": "C1",
                "kind": "person",
                "joined_on": None,
                "holdings": [],
                "memberships": [],
                "relations": [],
            } | row
            held = [(item, None, None) if isinstance(item, str) else item for item in whole["holdings"]]
            ledger.add(whole | {"holdings": held})
        return ledger.portfolio(day)

    return make


@pytest.fixture
def bank(catalogue):
    """Return a function: the ledger of customers, and what reads them."""

    def make(customers, codes=tuple("ABCDEF")):
        ledger = Ledger(catalogue(*codes))
        by_number = {customer.customer_no: customer for customer in customers}
        for customer in customers:
            ledger.add({
                "customer_no": customer.customer_no,
                "kind": customer.kind,
                "joined_on": customer.joined_on,
                "holdings": [(h.product_code, h.opened_on, h.closed_on) for h in customer.holdings],
                "memberships": [(m.programme_code, m.since, m.until, m.programme_kind) for m in customer.memberships],
                "relations": [],
            })  # fmt: skip

        async def load(numbers):
            return [by_number[number] for number in numbers]

        return ledger, load

    return make
