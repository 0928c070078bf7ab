"""Products that are held together more often than chance would have it."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recommenders.similar import fit_similar, similar_products

CODES = ("CURRENT", "FUND", "INSURANCE", "LOAN", "RARE")


@pytest.fixture(scope="module")
def learnt():
    """A hundred customers with a current account; 40 of them hold fund and insurance, 30 others a loan."""
    held = np.zeros((100, 5))
    held[:, 0] = 1
    held[:40, 1:3] = 1
    held[40:70, 3] = 1
    held[:19, 4] = 1
    return fit_similar(csr_matrix(held.astype(np.float32)))


def test_what_goes_together_is_found_with_its_score_and_lift(learnt):
    [found] = similar_products(learnt, CODES, "FUND")

    assert found.product_code == "INSURANCE"
    assert found.score == pytest.approx((40 - 16) / 40 * 40 / 60)
    assert found.lift == pytest.approx(2.5)


def test_what_everybody_has_is_like_nothing(learnt):
    assert similar_products(learnt, CODES, "CURRENT") == []


def test_what_is_never_held_together_is_not_similar(learnt):
    assert similar_products(learnt, CODES, "LOAN") == []


def test_a_pair_that_fewer_than_twenty_hold_is_not_described(learnt):
    assert similar_products(learnt, CODES, "RARE") == []
    assert np.isnan(learnt["lifts"][1, 4])


@pytest.mark.parametrize(("arrays", "code"), [({}, "FUND"), (None, "NONE")])
def test_without_a_model_or_for_a_product_it_did_not_know_nothing_is_similar(learnt, arrays, code):
    assert similar_products(learnt if arrays is None else arrays, CODES, code) == []


def test_a_bank_without_customers_has_no_similar_products():
    assert similar_products(fit_similar(csr_matrix((0, 5), dtype=np.float32)), CODES, "FUND") == []
