"""Who is likely to take a product, how many will, and what becomes of the others."""

import numpy as np
import pytest

from graph.errors import ModelError, NotFound
from recommenders import prospect_lists
from recommenders.engine import Engine
from recommenders.features import FeatureSchema
from recommenders.gates import DEFAULT_GATES
from recommenders.popularity import Popularity
from recommenders.prospects import UNKNOWN_SWING, Page, Tally, foreseen, learn_swing, look
from recommenders.ranker import Ranker


@pytest.fixture
def engine(catalogue, product):
    """An engine with a ranker that knows A and B, not NEW; A is opened three times as often as B."""
    ranker = Ranker(FeatureSchema(("A", "B")), 1, np.log(np.array([0.75, 0.25], np.float32)), {"popularity": 1.0}, 0.1, np.ones(2, np.float32))  # fmt: skip
    goods = catalogue(product("A", margin=100.0), "B", "NEW")
    return Engine(goods, [Popularity()], DEFAULT_GATES, ranker=ranker)


@pytest.fixture
def page(person):
    """Return a function: a page of one product's propensities; None is refused."""

    def make(chances, start=0):
        refused = [chance is None for chance in chances]
        return Page(
            tuple(person(f"C{start + n:04}") for n in range(len(chances))),
            np.array([[np.nan if chance is None else chance] for chance in chances], np.float32),
            np.where(refused, 0, -1)[:, None].astype(np.int16),
            ("NO_CONSENT",),
        )

    return make


def all_of(page):
    return np.arange(len(page.customers))


def test_only_whom_no_gate_refuses_is_a_prospect_and_each_refusal_is_counted_once(engine, person, context):
    folk = [
        person("YES"), person("HOLDER", ["A"]), person("SILENT", marketing_consent=False),
        person("BOTH", ["A"], marketing_consent=None),
    ]  # fmt: skip

    tally, found = Tally.of_bank(10), look(engine, folk, context())
    tally.add(found, foreseen(engine, "A"), all_of(found))

    assert [prospect.customer_no for prospect in tally.best()] == ["YES"]
    assert tally.best()[0].propensity == pytest.approx(1 - np.exp(-0.1 * 0.75))
    assert (tally.customers, tally.eligible) == (4, 1)
    assert tally.refused == {"HELD": 2, "NO_CONSENT": 1}


def test_the_list_is_the_best_in_order_whatever_the_pages(page):
    chances = np.random.default_rng(1).random(200).round(2).tolist()
    whole, paged = Tally(20), Tally(20)

    whole.add(page(chances), 0, np.arange(200))
    for start in range(0, 200, 30):
        part = page(chances[start : start + 30], start)
        paged.add(part, 0, all_of(part))

    expected = sorted(range(200), key=lambda n: (-np.float32(chances[n]), n))[:20]
    assert [prospect.customer_no for prospect in whole.best()] == [f"C{n:04}" for n in expected]
    assert paged.best() == whole.best()


def test_takers_are_the_sum_of_chances_with_an_interval(page):
    tally, part = Tally.of_bank(100), page([0.5] * 100)
    tally.add(part, 0, all_of(part))

    campaign = tally.campaign(100)

    assert (campaign.customers, campaign.takers, campaign.variance) == (100, 50, 25)
    assert campaign.interval == (pytest.approx(50 - 1.645 * 5), pytest.approx(50 + 1.645 * 5))


def test_what_a_larger_campaign_brings_is_told_without_its_customers(page):
    chances = np.random.default_rng(2).beta(1, 30, 3_000)
    tally, part = Tally.of_bank(10), page(chances.tolist())
    tally.add(part, 0, all_of(part))

    sizes = [campaign.customers for campaign in tally.campaigns()]

    assert sizes == [10, 20, 50, 100, 200, 500, 1_000, 2_000, 3_000]
    for campaign in tally.campaigns():
        best = np.sort(chances)[::-1][: campaign.customers]
        assert campaign.takers == pytest.approx(best.sum(), rel=2e-3)
        assert campaign.variance == pytest.approx((best * (1 - best)).sum(), rel=2e-3)


def test_more_are_asked_for_than_there_are(page):
    tally, part = Tally.of_bank(1_000), page([0.2, None, 0.1])
    tally.add(part, 0, all_of(part))

    assert len(tally.best()) == 2
    assert [campaign.customers for campaign in tally.campaigns()] == [2]
    assert tally.campaign(50).customers == 2


def test_a_product_that_all_hold_has_no_prospects(page):
    tally, part = Tally.of_bank(10), page([None] * 30)
    tally.add(part, 0, all_of(part))

    assert (tally.best(), tally.campaigns(), tally.eligible) == ([], [], 0)


def test_what_cannot_be_foreseen_is_said(engine, catalogue):
    with pytest.raises(NotFound, match="'NONE'"):
        foreseen(engine, "NONE")
    with pytest.raises(ModelError, match="before NEW was in the catalogue"):
        foreseen(engine, "NEW")
    with pytest.raises(ModelError, match="run guanxi train"):
        foreseen(Engine(catalogue("A"), [Popularity()], DEFAULT_GATES), "A")


def test_lists_are_kept_by_product_and_scope_for_their_owner_alone(tmp_path, page, today):
    tally, part = Tally(1), page([0.25, None, 0.5])
    tally.add(part, 0, all_of(part))

    path = prospect_lists.write(tmp_path, today, "M1", {("A", "BOOK"): tally})
    found = prospect_lists.read(tmp_path, "A", "BOOK")

    assert path.stat().st_mode & 0o777 == 0o600
    assert (found.as_of, found.model_id, found.customers, found.refused) == (today, "M1", 3, {"NO_CONSENT": 1})
    assert [(prospect.customer_no, prospect.propensity) for prospect in found.best] == [("C0002", 0.5)]
    assert [(campaign.customers, campaign.takers) for campaign in found.campaigns] == [(1, 0.5)]
    assert prospect_lists.read(tmp_path, "A", "NOBODY").best == ()
    assert prospect_lists.read(tmp_path / "elsewhere", "A", "BOOK") is None


def test_a_broken_file_says_what_to_do(tmp_path):
    (tmp_path / prospect_lists.FILE).write_text("nonsense")

    with pytest.raises(ModelError, match="run guanxi prospects --store"):
        prospect_lists.read(tmp_path, "A", "")


def test_whole_periods_swing_beyond_chance_and_the_interval_says_so(page):
    tally, part = Tally.of_bank(100, 0.3), page([0.5] * 100)
    tally.add(part, 0, all_of(part))

    assert tally.campaign(100).variance == pytest.approx(25 + (0.3 * 50) ** 2)


def test_the_swing_of_the_past_is_told_from_chance():
    dice = np.random.default_rng(5)
    steady = dice.poisson(400, (12, 20))
    swinging = dice.poisson(400 * np.exp(np.cumsum(dice.normal(0, 0.3, (12, 20)), axis=0)))

    assert learn_swing(steady) < 0.03
    assert learn_swing(swinging) == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("openings", [[], [[5, 7]], [[0, 0], [0, 0]]])
def test_where_fewer_than_two_periods_are_known_the_swing_is_a_stated_one(openings):
    assert learn_swing(np.array(openings, np.int64)) == UNKNOWN_SWING
