import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from graph.words import Language
from recommenders import als
from recommenders.als import Als

CODES = ("CARD", "FUND", "HOME", "LOAN", "SAVE")
TASTES = (("SAVE", "CARD"), ("SAVE", "CARD", "LOAN"), ("HOME", "FUND"), ("HOME", "FUND", "LOAN"))


@pytest.fixture
def trained(catalogue, portfolio):
    products = catalogue(*CODES)
    arrays = Als().fit(portfolio(products, [{"holdings": taste} for taste in TASTES for _ in range(30)]))
    return Als().with_arrays(arrays, CODES)


def test_scores_are_those_that_implicit_gives_a_recalculated_user(trained, catalogue, person, batch):
    holdings = [("SAVE",), ("HOME", "LOAN"), ("CARD", "FUND", "SAVE"), CODES]
    asked = batch([person(f"C{row}", codes) for row, codes in enumerate(holdings)], catalogue(*CODES))
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=trained.factors.shape[1], regularization=als.REGULARIZATION, alpha=als.ALPHA, num_threads=1
        )
    model.item_factors = trained.factors

    scores = trained.propose(asked).scores

    for row in range(len(holdings)):
        columns, expected = model.recommend(
            row,
            csr_matrix(asked.held[row : row + 1].astype(np.float32)),
            N=len(CODES),
            recalculate_user=True,
            filter_already_liked_items=False,
        )
        assert np.abs(scores[row, columns] - expected).max() < 1e-5


def test_who_holds_a_product_is_proposed_what_others_hold_with_it(trained, catalogue, person, batch):
    scores = trained.propose(batch([person(holds=["SAVE"]), person(holds=["HOME"])], catalogue(*CODES))).scores
    saver, owner = (dict(zip(CODES, row, strict=True)) for row in scores)

    assert saver["CARD"] > saver["FUND"]
    assert owner["FUND"] > owner["CARD"]


def test_what_is_popular_is_not_denied_to_those_who_lack_it(catalogue, portfolio, person, batch):
    codes, dice = [f"P{number:02}" for number in range(24)], np.random.default_rng(3)
    chances = np.geomspace(0.8, 0.02, len(codes))
    rows = [
        {"holdings": [code for code, p in zip(codes, chances, strict=True) if dice.random() < p]} for _ in range(900)
    ]
    arrays = Als().fit(portfolio(catalogue(*codes), rows))
    lacking = [person(f"C{row}", holds=codes[:row] + codes[row + 1 : 8]) for row in range(4)]

    scores = Als().with_arrays(arrays, codes).propose(batch(lacking, catalogue(*codes))).scores

    assert all(scores[row, row] > scores[row, 8:].max() for row in range(4))


def test_the_reason_names_the_held_product_that_goes_with_it(trained, catalogue, person, batch):
    products = catalogue(*CODES)

    reason = trained.propose(batch([person(holds=["HOME", "SAVE"])], products)).reason(0, products.index["CARD"])

    assert reason.path == ("C1", "HOLDS", "SAVE", "HELD_WITH", "CARD")
    assert reason.text[Language.EN] == "It goes well with your Save."
    assert set(reason.text) == set(Language)


def test_a_product_that_training_did_not_know_is_not_proposed(trained, catalogue, person, batch):
    products = catalogue(*CODES, "BRAND-NEW")

    scores = trained.propose(batch([person(holds=["SAVE", "BRAND-NEW"])], products)).scores[0]

    assert np.isnan(scores[products.index["BRAND-NEW"]])
    assert np.isfinite(np.delete(scores, products.index["BRAND-NEW"])).all()


def test_a_product_that_is_no_longer_sold_is_ignored(trained, catalogue, person, batch):
    asked = batch([person(holds=["SAVE"])], catalogue("CARD", "SAVE"))

    assert np.isfinite(trained.propose(asked).scores).all()


def test_a_product_that_nobody_held_is_not_proposed(catalogue, portfolio, person, batch):
    products = catalogue(*CODES, "UNSOLD")
    arrays = Als().fit(portfolio(products, [{"holdings": taste} for taste in TASTES for _ in range(5)]))

    scores = Als().with_arrays(arrays, products.codes).propose(batch([person(holds=["SAVE"])], products)).scores[0]

    assert np.isnan(scores[products.index["UNSOLD"]])


def test_a_customer_who_holds_nothing_is_proposed_nothing(trained, catalogue, person, batch):
    scores = trained.propose(batch([person(), person(holds=["SAVE"])], catalogue(*CODES))).scores

    assert np.isnan(scores[0]).all()
    assert np.isfinite(scores[1]).all()


@pytest.mark.parametrize("rows", [[], [{}] * 3], ids=["no customers", "no holdings"])
def test_from_an_empty_portfolio_it_learns_to_propose_nothing(catalogue, portfolio, person, batch, rows):
    products = catalogue(*CODES)
    arrays = Als().fit(portfolio(products, rows))

    scores = Als().with_arrays(arrays, CODES).propose(batch([person(holds=["SAVE"])], products)).scores

    assert np.isnan(scores).all()


def test_a_catalogue_of_one_product_can_be_learnt(catalogue, portfolio, person, batch):
    products = catalogue("SAVE")
    arrays = Als().fit(portfolio(products, [{"holdings": ["SAVE"]}] * 3))

    scores = Als().with_arrays(arrays, ("SAVE",)).propose(batch([person(holds=["SAVE"])], products)).scores

    assert np.isfinite(scores).all()


def test_the_same_portfolio_gives_the_same_factors(catalogue, portfolio):
    products = catalogue(*CODES)
    rows = [{"holdings": taste} for taste in TASTES for _ in range(10)]

    first, second = (Als().fit(portfolio(products, rows))["factors"] for _ in range(2))

    assert first.any()
    assert np.array_equal(first, second)


def test_factors_are_those_of_implicit_whatever_its_number_of_threads(catalogue, portfolio):
    held = portfolio(catalogue(*CODES), [{"holdings": taste} for taste in TASTES for _ in range(500)])
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=als.width_for(len(CODES)),
            regularization=als.REGULARIZATION,
            alpha=als.ALPHA,
            iterations=als.ITERATIONS,
            random_state=als.SEED,
            num_threads=1,
        )
        model.fit(held.held, show_progress=False)

    assert np.array_equal(Als().fit(held)["factors"], model.item_factors)


def test_who_holds_the_same_is_scored_the_same_and_everyone_by_his_own_holdings(catalogue, batch, person):
    codes = [f"P{number:03}" for number in range(130)]  # more than two words of 64 bits
    products = catalogue(*codes)
    factors = np.random.default_rng(5).standard_normal((len(codes), 8)).astype(np.float32)
    holdings = [codes[-1:], codes[:1], codes[64:66], codes[:1], [], codes[-1:], codes]
    learnt = Als(factors=factors, product_codes=products.codes)

    scores = learnt.propose(batch([person(f"C{row}", own) for row, own in enumerate(holdings)], products)).scores

    for row, own in enumerate(holdings):
        alone = learnt.propose(batch([person("C", own)], products)).scores[0]
        assert np.allclose(scores[row], alone, rtol=1e-5, atol=1e-6, equal_nan=True)
    assert np.array_equal(scores[[0, 1]], scores[[5, 3]])


def test_a_batch_of_nobody_is_scored(trained, catalogue, batch):
    assert trained.propose(batch([], catalogue(*CODES))).scores.shape == (0, len(CODES))


def test_customers_beyond_one_block_are_solved_as_those_within(trained, catalogue, person, batch, monkeypatch):
    asked = batch([person(f"C{row}", [code]) for row, code in enumerate(CODES)], catalogue(*CODES))
    whole = trained.propose(asked).scores
    monkeypatch.setattr(als, "FOLD_IN_ROWS", 2)

    assert np.allclose(trained.propose(asked).scores, whole, atol=1e-6)


def test_untrained_it_refuses_to_answer(catalogue, person, batch):
    with pytest.raises(ValueError, match="not trained"):
        Als().propose(batch([person()], catalogue(*CODES)))
