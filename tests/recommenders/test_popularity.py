from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix, vstack

from graph.words import CustomerKind, Language
from recommenders.cohorts import Cohorts
from recommenders.popularity import UNTRAINED_SCORE, Popularity

CODES = ("CARD", "LOAN", "SAVE")


@pytest.fixture
def trained(catalogue, portfolio):
    def make(rows):
        return Popularity().with_arrays(Popularity().fit(portfolio(catalogue(*CODES), rows)), CODES)

    return make


PERSONS = [{"holdings": ["SAVE", "CARD"]}] * 10 + [{"holdings": ["SAVE"]}] * 20 + [{}] * 10
FIRMS = [{"kind": "company", "holdings": ["LOAN"]}] * 15 + [{"kind": "company", "holdings": ["SAVE"]}] * 5


def test_the_score_is_the_share_of_holders_among_customers_of_the_same_kind(trained, person, catalogue, batch):
    firm = person(kind=CustomerKind.COMPANY)

    scores = trained(PERSONS + FIRMS).propose(batch([person(), firm], catalogue(*CODES))).scores

    assert scores.tolist() == [[0.25, 0.0, 0.75], [0.0, 0.75, 0.25]]


@pytest.mark.parametrize(("members", "share"), [(19, 0.0), (20, 1.0)])
def test_a_kind_of_fewer_than_20_is_not_described(trained, person, catalogue, batch, members, share):
    rows = [{"kind": "institution", "holdings": ["SAVE"]}] * members
    institution = person(kind=CustomerKind.INSTITUTION)

    scores = trained(rows).propose(batch([institution], catalogue(*CODES))).scores

    assert scores[0, 2] == share


def test_untrained_every_product_has_the_same_small_score_and_no_reason(person, catalogue, batch):
    proposed = Popularity().propose(batch([person()], catalogue(*CODES)))

    assert (proposed.scores == np.float32(UNTRAINED_SCORE)).all()
    assert proposed.reason(0, 0) is None


def test_a_product_that_training_did_not_know_has_the_small_score_and_no_reason(trained, person, catalogue, batch):
    products = catalogue(*CODES, "BRAND-NEW")
    column = products.index["BRAND-NEW"]

    proposed = trained(PERSONS).propose(batch([person()], products))

    assert proposed.scores[0, column] == np.float32(UNTRAINED_SCORE)
    assert proposed.reason(0, column) is None
    assert proposed.scores[0, products.index["SAVE"]] == 0.75


def test_the_reason_speaks_of_the_kind_and_only_where_a_tenth_have_it(trained, person, catalogue, batch):
    rows = [{"holdings": ["SAVE", "CARD"]}] * 3 + [{"holdings": ["SAVE"]}] * 28
    proposed = trained(rows).propose(batch([person()], catalogue(*CODES)))

    reason = proposed.reason(0, CODES.index("SAVE"))

    assert reason.path == ("C1", "KIND", "person", "HOLDS", "SAVE")
    assert set(reason.text) == set(Language)
    assert proposed.reason(0, CODES.index("CARD")) is None


def test_from_an_empty_portfolio_every_share_is_nought(trained, person, catalogue, batch):
    assert not trained([]).propose(batch([person()], catalogue(*CODES))).scores.any()


def test_shares_of_a_large_bank_are_exact(catalogue, portfolio):
    products = catalogue(*CODES)
    many = portfolio(products, [{"holdings": ["SAVE"]}] * 3 + [{}])
    millions = replace(many, held=vstack([many.held] * 500_000, "csr"), kinds=np.tile(many.kinds, 500_000))

    assert Popularity().fit(millions)["shares"][0].tolist() == [0.0, 0.0, 0.75]
    assert Cohorts().fit(replace(millions, cohorts=csr_matrix((2_000_000, 0))))["base"].tolist() == [0.0, 0.0, 0.75]
