"""Factories of a small bank, of plugin folders, and of the engine that a plugin host makes of them."""

from dataclasses import replace
from datetime import date

import pytest

from graph.records import Customer, Holding, Product
from graph.words import CustomerKind, RiskProfile
from plugins.deciding import build_engine
from plugins.host import PluginHost
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Context

TODAY = date(2026, 6, 30)


@pytest.fixture
def person():
    """Return a function: a customer whom the bank's own gates refuse nothing; ``holds`` names what he has."""
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
        return Context(**{"today": TODAY, "top": 99} | changes)

    return make


@pytest.fixture
def batch(context):
    def make(customers, catalogue, **changes):
        return Batch.of(customers, catalogue, context(**changes))

    return make


@pytest.fixture
def plugin_folder(tmp_path):
    """Return a function: a folder of plugins, of their sources by name; empty after the test, which ends ``ENDLESS``."""
    folder = tmp_path / "plugins"

    def make(**sources):
        folder.mkdir(exist_ok=True)
        for name, source in sources.items():
            (folder / f"{name}.py").write_text(source, encoding="utf-8")
        return folder

    yield make
    for path in folder.glob("*.py"):
        path.unlink()


@pytest.fixture
def host_of(plugin_folder):
    """Return a function: a host with the shipped plugins, and those of sources by name."""
    return lambda **sources: PluginHost.load([plugin_folder(**sources)])


@pytest.fixture
def answers(context):
    """Return a function: what customers are answered with a host's plugins."""

    def make(host, customers, catalogue, model=None, **changes):
        return build_engine(catalogue, host, model).answer(customers, context(**changes))

    return make
