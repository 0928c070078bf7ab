"""Customers of a portfolio for those who learn from them: as they were, only where asked for, and never the hidden."""

import logging
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pytest

from graph.errors import PluginError
from graph.records import ActivityMonth, Holding
from graph.words import CustomerKind
from recommenders.catalogue import Catalogue
from recommenders.contract import Candidates
from recommenders.known_customers import read_customers
from recommenders.popularity import Popularity
from recommenders.purposes import PurposeLimits
from recommenders.training import fit_all, learn
from recommenders.trial import split_bank

AS_OF = date(2026, 6, 30)
THEN = date(2026, 1, 31)


@dataclass(frozen=True)
class Learner:
    """Keeps of each portfolio that it is fitted to what ``look`` finds in it."""

    found: list
    look: object = staticmethod(lambda portfolio: portfolio.batch)
    learns_from_customers: bool = True
    name: str = "learner"
    version: str = "1"

    def fit(self, portfolio):
        self.found.append(self.look(portfolio))
        return {"ones": np.ones(1)}

    def with_arrays(self, *_):
        return self

    def propose(self, batch):
        return Candidates(np.full(batch.shape, np.nan, np.float32), lambda *_: None)


def agrees(portfolio):
    return np.array_equal(portfolio.batch.held, portfolio.held.toarray() > 0)


async def test_they_are_seen_as_they_were_on_the_portfolios_day(bank, person):
    months = (ActivityMonth("2025-12", salary=9.0), ActivityMonth("2026-02", salary=9.0))
    old = person("C1", holdings=(Holding("A", date(2020, 1, 1)), Holding("B", date(2026, 3, 1))), activity=months)
    new = person("C0", holdings=(Holding("A", date(2026, 3, 1)),), joined_on=date(2026, 3, 1))
    ledger, load = bank([new, old])
    customers = await read_customers(load, ledger, [Learner([])])

    batch = customers.beside(ledger.portfolio(THEN)).batch

    assert [customer.customer_no for customer in batch.customers] == ["C1"]
    assert batch.customers[0].salary_months == 1
    assert [holding.product_code for holding in batch.customers[0].ever] == ["A"]
    assert batch.frames.activity["month"].to_list() == ["2025-12"]
    assert [c.customer_no for c in customers.beside(ledger.portfolio(AS_OF)).batch.customers] == ["C0", "C1"]


async def test_confined_data_is_not_seen(bank, person):
    ledger, load = bank([person("C1", income=9.0, region="north")])
    ledger.catalogue = Catalogue(list(ledger.catalogue), PurposeLimits({"attribute:income": frozenset()}))
    customers = await read_customers(load, ledger, [Learner([])])

    [seen] = customers.beside(ledger.portfolio(AS_OF)).batch.customers

    assert (seen.income, seen.region) == (None, "north")


async def test_nobody_is_read_where_no_recommender_asks_for_it(bank, person):
    ledger, _ = bank([person("C1", ["A"])])

    assert await read_customers(None, ledger, [Popularity(), Learner([], learns_from_customers=False)]) is None


async def test_who_does_not_say_so_learns_nothing_from_customers_not_even_beside_one_who_does(bank, person, caplog):
    ledger, load = bank([person("C1", ["A"])])
    silent, says = Learner([], learns_from_customers=False, name="silent"), Learner([])
    customers = await read_customers(load, ledger, [silent, says])

    with caplog.at_level(logging.WARNING, "guanxi.training"):
        arrays = fit_all([silent, says], ledger.portfolio(AS_OF), customers=customers)

    assert list(arrays) == ["learner"]
    assert "silent learnt nothing that it can use: NotLearnt" in caplog.text
    with pytest.raises(PluginError, match="learns_from_customers = True"):
        _ = ledger.portfolio(AS_OF).batch


async def test_of_who_was_erased_meanwhile_nothing_is_known_but_his_kind(bank, person):
    ledger, _ = bank([person("C1", kind=CustomerKind.COMPANY), person("C2")])

    async def load(_):
        return [person("C2", income=5.0)]

    customers = await read_customers(load, ledger, [Learner([])])

    one, other = customers.beside(ledger.portfolio(AS_OF)).batch.customers
    assert (one.customer_no, one.kind, one.age) == ("C1", CustomerKind.COMPANY, None)
    assert (other.customer_no, other.income) == ("C2", 5.0)


@pytest.mark.parametrize("is_dated", [True, False])
async def test_at_every_moment_they_hold_what_the_portfolio_holds(bank, person, is_dated):
    dice = np.random.default_rng(3)

    def held():
        day = AS_OF - timedelta(days=int(dice.integers(0, 700))) if is_dated else None
        return Holding(str(dice.choice(list("ABC"))), day)

    ledger, load = bank([person(f"C{n:03}", holdings=(held(), held())) for n in range(300)], "ABC")
    found = []

    await learn(ledger, load, [Learner(found, agrees)], AS_OF)

    assert len(found) > 2
    assert all(found)


async def test_a_holding_that_is_hidden_to_be_foreseen_is_not_seen(bank, person):
    ledger, load = bank([person(f"C{n:03}", "ABC"[: 1 + n % 3]) for n in range(200)], "ABC")
    split, found = split_bank(ledger, load, AS_OF), []

    await learn(split.ledger, split.load, [Learner(found, agrees)], AS_OF)

    assert split.how == "hidden"
    assert found
    assert all(found)
