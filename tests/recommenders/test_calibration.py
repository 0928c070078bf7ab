import numpy as np
import pytest

from recommenders.calibration import BINS, PRIOR_PROPENSITY, PRIOR_WEIGHT, Calibration, Curve, learn_curve


def calibration_of(scores, opened):
    return Calibration({"als": curve(scores, opened)})


def curve(scores, opened, weights=None):
    pairs = [
        np.asarray(values, kind).reshape(len(values), -1) for values, kind in ((scores, np.float32), (opened, np.bool_))
    ]
    return learn_curve(*pairs, np.asarray(np.ones(len(scores)) if weights is None else weights, np.float32))


def planted(share_of, pairs=200_000, seed=3):
    dice = np.random.default_rng(seed)
    scores = dice.random(pairs, np.float32)
    return scores, dice.random(pairs) < share_of(scores)


@pytest.mark.parametrize("share_of", [lambda s: 0.3 * s, lambda s: 0.02 + 0.2 * s**2, lambda s: np.where(s < 0.5, 0.01, 0.2)])  # fmt: skip
def test_a_curve_recovers_the_shares_that_were_planted(share_of):
    middles = (np.arange(BINS, dtype=np.float32) + 0.5) / BINS

    propensities = calibration_of(*planted(share_of)).propensities("als", middles)

    assert np.abs(propensities - share_of(middles)).max() < 0.015


def test_a_bin_is_its_share_drawn_towards_the_overall_share():
    scores, opened = [0.1] * 50 + [0.9] * 150, [False] * 50 + [True] * 30 + [False] * 120

    low, high = calibration_of(scores, opened).propensities("als", np.array([0.1, 0.9], np.float32))

    assert low == pytest.approx((0 + PRIOR_WEIGHT * 0.15) / (50 + PRIOR_WEIGHT))
    assert high == pytest.approx((30 + PRIOR_WEIGHT * 0.15) / (150 + PRIOR_WEIGHT))


def test_a_curve_never_falls_even_where_the_shares_do():
    learnt = curve(*planted(lambda scores: 0.3 * (1 - scores)))

    assert (np.diff(learnt.rates) >= 0).all()
    assert (np.diff(learnt.edges) > 0).all()
    assert len(learnt.rates) == len(learnt.edges) + 1


def test_scores_beyond_those_learnt_from_take_the_outer_bins():
    calibration = calibration_of(*planted(lambda scores: 0.3 * scores))
    rates = calibration.curves["als"].rates

    found = calibration.propensities("als", np.array([-5, 5], np.float32))

    assert found.tolist() == [rates[0], rates[-1]]


def test_what_was_not_learnt_is_mapped_by_the_prior():
    calibration = calibration_of(*planted(lambda scores: 0.3 * scores))

    found = calibration.propensities("brand-new", np.array([-1, 0, 0.5, 1, 7], np.float32))

    assert not calibration.is_learnt("brand-new")
    assert calibration.is_learnt("als")
    assert found == pytest.approx(np.array([0, 0, 0.5, 1, 1]) * PRIOR_PROPENSITY)


@pytest.mark.parametrize("name", ["als", "brand-new"])
def test_nan_stays_nan_in_any_shape(name):
    calibration = Calibration({"als": Curve(np.array([0.5], np.float32), np.array([0.1, 0.2], np.float32))})
    scores = np.array([[0.1, np.nan, 0.9], [np.nan, 0.5, 0.2]], np.float32)

    found = calibration.propensities(name, scores)

    assert np.array_equal(np.isnan(found), np.isnan(scores))
    assert found.dtype == np.float32


def test_pairs_that_were_not_open_to_be_taken_do_not_count():
    scores = np.array([[0.1, np.nan], [0.9, np.nan]], np.float32)
    opened = np.array([[False, True], [True, True]])

    assert curve(scores, opened).rates.tolist() == curve(scores[:, 0], opened[:, 0]).rates.tolist()


def test_a_row_counts_for_the_customers_it_stands_for():
    once = curve([0.2, 0.8, 0.8, 0.8], [False, True, False, False])

    assert curve([0.2, 0.8, 0.8], [False, True, False], [1, 1, 2]).rates.tolist() == once.rates.tolist()


def test_from_no_pairs_there_is_no_curve():
    assert curve(np.full((2, 2), np.nan, np.float32), np.zeros((2, 2), np.bool_)) is None


def test_one_score_for_all_makes_the_overall_share():
    found = calibration_of([0.2] * 100, [True] * 25 + [False] * 75).propensities(
        "als", np.array([0.0, 0.2, 1.0], np.float32)
    )

    assert found.tolist() == pytest.approx([0.25] * 3)


def test_few_distinct_scores_each_keep_their_share():
    scores = np.repeat(np.array([0.0, 0.3, 0.7], np.float32), 10_000)
    opened = np.arange(30_000) % 1000 < np.repeat([1, 20, 300], 10_000)

    found = calibration_of(scores, opened).propensities("als", np.array([0.0, 0.3, 0.7], np.float32))

    assert found == pytest.approx([0.001, 0.02, 0.3], abs=0.001)
