"""Known answers: every figure of a report, worked out by hand on a bank of a few customers."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from recommenders.evaluation import Scored, System, evaluate, resampled
from recommenders.metrics import best_first, ranking_metrics

CODES = ("A", "B", "C", "D")


@pytest.fixture
def scored():
    """Return a function: customers for whom the ranker says ``chances``, and popularity the same of everybody."""

    def make(chances, opened, held=None, weights=None, popular=(0.4, 0.3, 0.2, 0.1), **changes):
        chances, opened = np.array(chances, np.float32), np.array(opened, np.bool_)
        held = np.zeros_like(opened) if held is None else np.array(held, np.bool_)
        popular = np.broadcast_to(np.float32(popular), chances.shape)
        said = {"popularity": popular, "ranker": chances, "engine": chances}
        systems = {
            name: System(name, "whole", best_first(np.where(held, np.nan, s)), s.copy()) for name, s in said.items()
        }
        weights = np.ones(len(chances), np.float32) if weights is None else np.float32(weights)
        return replace(Scored(opened, held, weights, np.ones_like(opened), {}, {}, {}, systems), **changes)

    return make


def holders(*rows):
    return csr_matrix(np.array(rows, np.float32))


NOBODY = holders([0, 0, 0, 0])


def test_each_ranking_metric_is_as_by_hand():
    order = np.array([[2, 0, 1, 3], [0, 1, -1, -1]])
    opened = np.array([[1, 0, 0, 1], [0, 0, 1, 0]], np.bool_)

    found = ranking_metrics(order, opened, [1, 2, 4])

    assert found["hr@1"].tolist() == [0, 0]
    assert found["hr@2"].tolist() == [1, 0]
    assert found["recall@2"].tolist() == [0.5, 0]
    assert found["map@2"].tolist() == [(1 / 2) / 2, 0]
    assert found["map@4"].tolist() == [(1 / 2 + 2 / 4) / 2, 0]
    assert found["ndcg@4"][0] == pytest.approx((1 / np.log2(3) + 1 / np.log2(5)) / (1 + 1 / np.log2(3)))
    assert found["mrr"].tolist() == [0.5, 0]


def test_ranking_metrics_are_those_of_scikit_learn():
    dice = np.random.default_rng(1)
    scores, opened = dice.random((200, 9)), dice.random((200, 9)) < 0.3
    opened[:, 0] |= ~opened.any(axis=1)

    found = ranking_metrics(best_first(scores), opened, [3, 9])

    assert found["ndcg@3"].mean() == pytest.approx(ndcg_score(opened, scores, k=3))
    assert found["map@9"].mean() == pytest.approx(label_ranking_average_precision_score(opened, scores))


def test_what_has_no_score_is_not_ranked_and_ties_go_by_column():
    assert best_first(np.array([[np.nan, 0.5, -np.inf, 0.5], [0.1, 0.2, 0.3, np.nan]])).tolist() == [
        [1, 3, -1, -1],
        [2, 1, 0, -1],
    ]


def test_a_better_recommender_is_above_popularity_and_its_interval_above_nothing(scored):
    dice = np.random.default_rng(2)
    opened = np.eye(4, dtype=np.bool_)[dice.integers(0, 4, 300)]

    report = evaluate(scored(opened * 0.5 + 0.1, opened), NOBODY, CODES, 3)

    better = report["systems"]["ranker"]
    assert report["baseline"] == "popularity"
    assert better["metrics"]["map@3"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert better["beside_popularity"]["map@3"]["low"] > 0.2
    assert report["systems"]["popularity"]["metrics"]["hr@1"]["mean"] == pytest.approx(opened[:, 0].mean())


def test_of_pure_noise_nothing_is_claimed(scored):
    dice = np.random.default_rng(3)
    opened = np.eye(4, dtype=np.bool_)[dice.integers(0, 4, 300)]

    report = evaluate(scored(dice.random((300, 4)), opened), NOBODY, CODES, 3)

    found = report["systems"]["ranker"]["beside_popularity"]["map@3"]
    assert found["low"] < 0 < found["high"]


def test_an_interval_is_what_the_seeded_resamples_say():
    first, second = resampled(50), resampled(50)

    assert first.tobytes() == second.tobytes()
    assert set(first.sum(axis=1)) == {50.0}


def test_calibration_is_the_distance_of_what_was_foreseen_from_what_came_true(scored):
    opened = np.zeros((100, 4), np.bool_)
    opened[:30, 0] = True
    chances = np.full((100, 4), 0.2)
    held = np.zeros((100, 4))
    held[:, 1:] = 1

    found = evaluate(scored(chances, opened, held), NOBODY, CODES, 3)["systems"]["ranker"]["calibration"]

    assert found["foreseen"] == pytest.approx(20)
    assert found["seen"] == 30
    assert sum(each["share"] for each in found["bins"]) == pytest.approx(1)
    assert sum(each["observed"] * each["share"] for each in found["bins"]) == pytest.approx(0.3)


def test_the_likeliest_are_binned_by_what_was_foreseen_of_them(scored):
    chances, held = np.full((1_000, 4), 0.001), np.zeros((1_000, 4))
    chances[:10, 0] = 0.9 + np.arange(10) / 1_000
    held[:, 1:] = 1

    found = evaluate(scored(chances, np.eye(1_000, 4), held), NOBODY, CODES, 3)["systems"]["ranker"]["calibration"]

    assert len([each for each in found["bins"] if each["predicted"] > 0.05]) == 1
    assert len([each for each in found["likeliest"] if each["predicted"] > 0.89]) == 9


def test_reliability_is_told_of_each_product_with_enough_openings_and_of_the_others_together(scored):
    opened = np.zeros((1_000, 4), np.bool_)
    opened[:, 0] = np.arange(1_000) % 20 < 3
    opened[:99, 1] = opened[:10, 3] = True
    chances = np.tile(np.float32([0.1, 0.05, 0.2, 0.01]), (1_000, 1))

    found = evaluate(scored(chances, opened), NOBODY, CODES, 3)["reliability"]

    first, foreseen_only = found["products"]
    assert found["least"] == 100
    assert (first["product"], foreseen_only["product"]) == ("A", "C")
    assert (first["foreseen"], first["seen"], first["error"]) == (pytest.approx(100), 150, pytest.approx(0.05))
    assert (foreseen_only["foreseen"], foreseen_only["seen"]) == (pytest.approx(200), 0)
    assert [each["observed"] for each in foreseen_only["bins"]] == [0]
    assert sum(each["share"] for each in first["likeliest"]) == pytest.approx(1)
    pooled = found["pooled"]
    assert pooled["products"] == ["B", "D"]
    assert (pooled["calibration"]["foreseen"], pooled["calibration"]["seen"]) == (pytest.approx(60), 109)


def test_pairs_of_one_chance_are_in_one_bin_in_whatever_order_they_come(scored):
    opened = np.zeros((1_000, 4), np.bool_)
    opened[:100, 0] = True  # one in ten, as foreseen

    [first, *_] = evaluate(scored(np.full((1_000, 4), 0.1), opened), NOBODY, CODES, 3)["reliability"]["products"]

    assert first["error"] == pytest.approx(0, abs=1e-6)


def test_what_is_held_is_in_no_products_reliability_and_customers_count_as_often_as_they_stand_for(scored):
    opened, held = np.zeros((100, 4), np.bool_), np.zeros((100, 4), np.bool_)
    opened[:30, 0] = True
    held[50:, 0] = True

    found = evaluate(scored(np.full((100, 4), 0.5), opened, held, weights=[1] * 30 + [4] * 70), NOBODY, CODES, 3)

    told = {each["product"]: each["foreseen"] for each in found["reliability"]["products"]}
    assert told.keys() == {"B", "C", "D"}
    assert told["B"] == pytest.approx(0.5 * (30 + 4 * 70))
    assert found["reliability"]["pooled"]["products"] == ["A"]
    assert found["reliability"]["pooled"]["calibration"]["foreseen"] == pytest.approx(0.5 * (30 + 4 * 20))


def test_where_no_product_has_enough_all_are_pooled_and_where_all_have_none_is(scored):
    one = np.eye(4, dtype=np.bool_)[[0]]
    every = np.ones((100, 4), np.bool_)

    few, many = [
        evaluate(scored(np.full(opened.shape, 0.2), opened), NOBODY, CODES, 3)["reliability"] for opened in (one, every)
    ]

    assert (few["products"], few["pooled"]["products"]) == ([], list(CODES))
    assert few["pooled"]["calibration"]["seen"] == 1
    assert [each["product"] for each in many["products"]] == list(CODES)
    assert many["pooled"] == {"products": [], "calibration": None}


def test_a_customer_counts_as_many_times_as_he_stands_for(scored):
    report = evaluate(
        scored([[0.5, 0.1, 0, 0], [0.5, 0.1, 0, 0]], [[1, 0, 0, 0], [0, 0, 0, 0]], weights=[1, 9]), NOBODY, CODES, 1
    )

    found = report["systems"]["ranker"]["calibration"]
    assert (found["seen"], found["foreseen"]) == (1, pytest.approx(6))


def test_coverage_novelty_and_diversity_are_as_by_hand(scored):
    held_by = holders([1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0])
    lists = scored([[0.9, 0.8, 0.1, 0.1]] * 2, [[1, 0, 0, 0]] * 2)

    found = evaluate(lists, held_by, CODES, 2)["systems"]["ranker"]

    assert found["coverage"] == 2 / 4
    assert found["novelty"] == pytest.approx((-np.log2(4 / 4) - np.log2(3 / 4)) / 2)
    assert found["diversity"] == pytest.approx(1 - 2 / np.sqrt(3 * 2))


def test_gain_and_lift_say_how_much_the_likeliest_caught(scored):
    chances, opened = np.zeros((200, 4)), np.zeros((200, 4), np.bool_)
    chances[:, 0] = np.linspace(1, 0.1, 200)
    opened[:20, 0] = True
    opened[100:120, 0] = True

    report = evaluate(scored(chances, opened), NOBODY, CODES, 3)

    [product] = report["products"]
    gain = report["systems"]["ranker"]["gain"]
    assert (product["product"], product["openings"], product["rate"]) == ("A", 40, pytest.approx(0.2))
    assert product["captured"] == pytest.approx(0.5)
    assert product["lift"] == pytest.approx(5.0)
    assert gain[0] == {"asked": 0.0, "openings": 0.0}
    assert gain[1]["openings"] == pytest.approx(0.5)
    assert gain[5]["openings"] == gain[20]["openings"] == pytest.approx(1)


def test_a_constant_score_gains_nothing(scored):
    opened = np.arange(400).reshape(100, 4) < 60

    gain = evaluate(scored(np.full((100, 4), 0.2), opened), NOBODY, CODES, 3)["systems"]["ranker"]["gain"]

    assert all(each["openings"] == pytest.approx(each["asked"]) for each in gain)


def test_gates_are_told_by_the_share_of_openings_they_refused(scored):
    opened, passed = np.array([[1, 1, 0, 0], [0, 1, 0, 0]]), np.ones((2, 4), np.bool_)
    passed[0] = False

    report = evaluate(
        scored(
            np.ones((2, 4)), opened, passed=passed, refusals={"NO_CONSENT": np.array([2, 0]), "AGE": np.array([0, 0])}
        ),
        NOBODY,
        CODES,
        3,
    )

    assert report["gates"] == {"openings": 3, "refused": 2 / 3, "by_gate": {"NO_CONSENT": 2 / 3}}


def test_segments_have_figures_of_their_own_and_small_ones_are_not_described(scored):
    opened = np.eye(4, dtype=np.bool_)[np.r_[np.zeros(60, int), np.ones(60, int)]]
    popular_ones = np.arange(120) < 60

    report = evaluate(
        scored(np.ones((120, 4)), opened, segments={"first": popular_ones, "few": np.arange(120) < 19}),
        NOBODY,
        CODES,
        3,
    )

    assert list(report["segments"]) == ["first"]
    first = report["segments"]["first"]
    assert (first["customers"], first["openers"]) == (60, 60)
    assert first["systems"]["popularity"]["hr@1"]["mean"] == 1.0
    assert report["systems"]["popularity"]["metrics"]["hr@1"]["mean"] == 0.5


def test_a_recommender_that_was_silent_on_a_page_proposed_nothing_there(scored):
    one, other = scored([[0.5, 0, 0, 0]], [[1, 0, 0, 0]]), scored([[0.5, 0, 0, 0]], [[1, 0, 0, 0]])
    silent = replace(other, systems={name: other.systems[name] for name in ("popularity", "engine")})

    joined = Scored.joined([one, silent])

    assert joined.systems["ranker"].order.tolist() == [[0, 1, 2, 3], [-1, -1, -1, -1]]
    assert np.isnan(joined.systems["ranker"].propensities[1]).all()
    assert joined.opened.shape == (2, 4)
