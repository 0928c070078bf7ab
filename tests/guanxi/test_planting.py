"""Banks with a planted effect, the sample bank's engine, and customers of a drawing: the rest of the test kit."""

from datetime import date

import numpy as np
import pytest

from graph.errors import NotFound, PluginError
from guanxi import Candidates, Proposal, hookimpl, recommender

AFTER_AUTOPAY = "after-autopay"


@recommender(AFTER_AUTOPAY)
def after_autopay(customer):
    yield Proposal("PENSION", score=0.9 if customer.holds("AUTOPAY") else 0.1)


@recommender("by-number")
def by_number(customer):
    yield Proposal("PENSION", score=sum(map(int, filter(str.isdigit, customer.customer_no))) % 7 / 7)


def holds_autopay(customer):
    return customer.holds("AUTOPAY")


def test_who_knows_the_effect_foresees_who_opens_and_who_does_not_is_at_chance(plant):
    planted = plant("PENSION", after_autopay, by_number, among=holds_autopay)

    assert planted.auc(AFTER_AUTOPAY) > 0.75
    assert 0.35 < planted.auc("by-number") < 0.65


def test_the_future_is_not_learnt_from_and_what_is_planted_is_all_there_is(plant):
    planted = plant("PENSION", among=holds_autopay, rate=1.0, otherwise=0.0)
    held = planted.bank.table("holdings").filter(product_code="PENSION")

    assert planted.takers
    assert all(not planted.bank.customer(number).holds("PENSION") for number in planted.takers)
    assert set(held["customer_no"]) == {
        customer.customer_no
        for customer in planted.bank.batch(planted.bank.table("customers")["customer_no"].to_list()).customers
        if customer.holds("AUTOPAY")
    }
    assert {day > date(2025, 6, 30) for day in held["opened_on"]} == {True, False}


class Learning:
    """Learns, of the holders of each other product, the share that holds a pension."""

    name, version = "learning", "1"

    def __init__(self, shares=None):
        self.shares = shares

    def fit(self, portfolio):
        held = portfolio.held.toarray()
        pension = portfolio.catalogue.index["PENSION"]
        shares = held[held[:, pension] > 0].sum(axis=0) / held.sum(axis=0).clip(1)
        shares[pension] = 0
        return {"shares": shares}

    def with_arrays(self, arrays, _):
        return Learning(arrays["shares"])

    def propose(self, batch):
        scores = np.full(batch.shape, np.nan, np.float32)
        scores[:, batch.catalogue.index["PENSION"]] = (batch.held * self.shares).max(axis=1)
        return Candidates(scores, lambda *_: None)


def test_a_recommender_that_learns_is_trained_on_it(plant):
    class Plugin:
        @hookimpl
        def recommenders(self, register):
            register(Learning())

    planted = plant("PENSION", Plugin(), among=lambda customer: customer.holds("AUTOPAY"), rate=1.0, otherwise=0.0)

    assert planted.auc("learning") > 0.9


def test_a_product_that_the_sample_bank_has_not_cannot_be_planted(plant):
    with pytest.raises(NotFound, match="MOON"):
        plant("MOON", among=holds_autopay)


def test_the_engine_has_the_plugins_given_and_the_next_has_not(engine, tmp_path):
    assert AFTER_AUTOPAY in {recommender.name for recommender in engine(after_autopay).recommenders}
    assert AFTER_AUTOPAY not in {recommender.name for recommender in engine().recommenders}
    (tmp_path / "torn.py").write_text("def (")
    with pytest.raises(PluginError, match="torn is broken"):
        engine(tmp_path / "torn.py")


def test_offers_of_the_bank_are_those_of_the_engine_that_is_given(bank, engine):
    page = next(bank.pages())
    alone, within = (bank.offers(page, top=9, engine=each) for each in (engine(), engine(after_autopay)))

    assert alone.equals(bank.offers(page, top=9))
    assert AFTER_AUTOPAY not in alone["recommenders"].explode().to_list()
    assert AFTER_AUTOPAY in within["recommenders"].explode().to_list()


def test_a_customer_of_a_drawing_is_as_plugins_see_him(customer):
    ann = customer("ann: person income=9000", "ann -EARNS-> 9000 months=36")

    assert (ann.customer_no, ann.income, ann.salary_months) == ("ann", 9000, 36)
