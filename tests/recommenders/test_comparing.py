"""A newly trained model beside the live one: on openings neither has seen, or by their cards."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from graph.records import Holding
from recommenders.artefact import Model, load_current, read_card, save
from recommenders.comparing import MARGIN, Comparison, by_cards
from recommenders.popularity import Popularity
from recommenders.portfolio import Ledger
from recommenders.rules import LifecycleRules
from recommenders.training import learn

AS_OF = date(2026, 6, 30)
CODES = ("A", "B", "C", "D", "E", "F")
RECOMMENDERS = (Popularity(), LifecycleRules())


@pytest.fixture
def bank(catalogue, person):
    """Return a function: a bank in which each customer opens, over 400 days, what his group is given to ``choose``."""

    def make(choose, count=900, dated=True, codes=CODES):
        dice = np.random.default_rng(1)
        ledger, by_number = Ledger(catalogue(*codes)), {}
        for number in range(count):
            group = str(dice.choice(["young", "old"]))
            days = sorted(AS_OF - timedelta(days=int(day)) for day in dice.integers(0, 400, 3))
            opened = {choose(dice, group): day if dated else None for day in days}
            holdings = tuple(Holding(code, day) for code, day in opened.items())
            customer = person(f"C{number:04}", holdings=holdings, attributes={"group": group})
            by_number[customer.customer_no] = customer
            ledger.add({
                "customer_no": customer.customer_no, "kind": customer.kind, "joined_on": None,
                "holdings": [(h.product_code, h.opened_on, h.closed_on) for h in holdings],
                "memberships": [], "relations": [],
            })  # fmt: skip

        async def load(numbers):
            return [by_number[number] for number in numbers]

        return ledger, load

    return make


def of_group(dice, group):
    first = {"young": "E", "old": "F"}[group]
    return first if dice.random() < 0.6 else str(dice.choice(CODES, p=[0.4, 0.25, 0.15, 0.1, 0.05, 0.05]))


async def learnt(ledger, load, as_of=AS_OF, **options):
    return await learn(ledger, load, RECOMMENDERS, as_of, **options)


def short_sighted(model):
    """The model, ranking by popularity the wrong way round."""
    worse = replace(model.ranker, popularity=-model.ranker.popularity, stack={"popularity": 1.0})
    return replace(model, ranker=worse)


async def test_two_models_are_compared_on_what_was_opened_after_the_live_ones_day(bank):
    ledger, load = bank(of_group)
    live = (await learnt(ledger, load, AS_OF - timedelta(days=120))).model

    trained = await learnt(ledger, load, live=live)

    compared, card = trained.comparison, trained.model.card
    first = date.fromisoformat(card.judged["from"])
    assert compared.live_id == live.model_id
    assert f"customers opened from {first} to {AS_OF}, which neither had seen" in compared.on
    assert compared.candidate == card.headline
    assert compared.live == pytest.approx(compared.candidate, rel=MARGIN)
    assert compared.allowed == MARGIN * compared.live
    assert not compared.is_worse


async def test_a_model_that_does_without_what_matters_is_worse(bank):
    ledger, load = bank(of_group)
    live = (await learnt(ledger, load, AS_OF - timedelta(days=120))).model

    compared = (await learnt(ledger, load, protected=["group"], live=live)).comparison

    assert "neither had seen" in compared.on
    assert compared.is_worse


async def test_a_live_model_that_ranks_badly_is_no_hindrance(bank):
    ledger, load = bank(of_group)
    live = short_sighted((await learnt(ledger, load, AS_OF - timedelta(days=120))).model)

    compared = (await learnt(ledger, load, live=live)).comparison

    assert compared.live < compared.candidate / 2
    assert not compared.is_worse


async def test_of_a_period_that_the_live_model_has_half_seen_the_other_half_counts(bank):
    ledger, load = bank(of_group, count=2_400)
    first = date.fromisoformat((await learnt(ledger, load)).model.card.judged["from"])
    halfway = first + timedelta(days=10)
    live = (await learnt(ledger, load, halfway)).model

    compared = (await learnt(ledger, load, live=live)).comparison

    since = ledger.holdings.since
    openers = len(set(ledger.holdings.rows[since > halfway.toordinal()]))
    assert f"what {openers:,} customers opened from {halfway} to {AS_OF}, which neither had seen" in compared.on
    assert not compared.is_worse


async def test_a_live_model_that_has_seen_it_all_is_judged_by_what_it_was_measured_at_before(bank):
    ledger, load = bank(of_group)
    live = (await learnt(ledger, load)).model

    compared = (await learnt(ledger, load, live=live)).comparison

    assert compared.on == "the openings that both were measured on before they were fitted to them"
    assert compared.candidate == compared.live == live.card.headline
    assert compared.allowed == MARGIN * compared.live


async def test_cards_of_different_openings_are_allowed_what_chance_makes_of_them(bank):
    ledger, load = bank(of_group)
    live = (await learnt(ledger, load, AS_OF - timedelta(days=5))).model

    compared = (await learnt(ledger, load, live=live)).comparison

    assert "for too few came after the live one's day" in compared.on
    assert compared.live == live.card.headline
    assert compared.allowed > MARGIN * compared.live
    assert not compared.is_worse


async def test_without_dates_cards_are_compared(bank):
    ledger, load = bank(of_group, dated=False)
    live = (await learnt(ledger, load)).model

    trained = await learnt(ledger, load, live=live)

    assert trained.model.card.period_months == 0
    assert trained.model.card.judged["from"] is None
    assert trained.comparison.candidate == trained.comparison.live is not None


async def test_a_model_of_other_products_is_not_compared(bank):
    ledger, load = bank(of_group)
    other = (await learnt(*bank(lambda *_: "A", codes=(*CODES, "G")))).model

    compared = (await learnt(ledger, load, live=other)).comparison

    assert (compared.candidate, compared.live) == (None, None)
    assert compared.on == "it is of other products, or of another period"
    assert not compared.is_worse


async def test_what_could_not_be_measured_is_worse_than_what_could(bank):
    ledger, load = bank(of_group)
    live = (await learnt(ledger, load)).model
    unmeasured = replace(live, ranker=replace(live.ranker, card={}), training={})
    unlearnt = replace(live, ranker=None, training={})

    assert by_cards(unmeasured, live).is_worse
    assert by_cards(unlearnt, live).is_worse
    assert not by_cards(live, unmeasured).is_worse
    assert not by_cards(unmeasured, unlearnt).is_worse
    assert by_cards(unmeasured, live).why_worse == f"it was not measured, as {live.model_id} was, which stays."
    assert by_cards(live, unmeasured).why_worse is None


@pytest.mark.parametrize(
    ("candidate", "live", "worse"),
    [(0.57, 0.6, False), (0.569, 0.6, True), (0.7, 0.6, False), (None, 0.6, True), (0.1, None, False)],
)
def test_worse_is_by_more_than_the_margin(candidate, live, worse):
    assert Comparison("m1", candidate, live, "", MARGIN * (live or 0)).is_worse is worse


async def test_a_card_says_what_a_model_was_learnt_from_and_how_good_it_is(bank, tmp_path):
    ledger, load = bank(of_group, count=1_200)
    model = (await learnt(ledger, load, protected=["gender"])).model
    save(tmp_path, model)

    card = read_card(tmp_path, model.model_id)

    assert card == model.card == load_current(tmp_path).card
    assert (card.data["customers"], card.data["products"]) == (1_200, 6)
    assert card.period_months == card.data["period_months"] > 0
    assert card.recommenders == {"popularity": "1", "lifecycle": "1"}
    assert card.protected == ("gender",)
    assert {"examples", "ranker"} <= card.seconds.keys()
    assert card.trained_at is not None
    assert card.judged["until"] == str(AS_OF)
    assert card.judged["examples"] >= 100
    assert list(card.metrics) == [
        "map@7",
        "map@7 of popularity",
        "map@7 of logit",
        "map@7 of boosting",
        "calibration_error",
    ]
    assert card.headline == model.ranker.card["map@7"]["stack"] > card.metrics["map@7 of popularity"]
    assert set(card.stack) == {"popularity", "logit", "boosting"}
    assert card.rounds["pairs"] > 0
    assert list(card.features.values()) == sorted(card.features.values(), reverse=True)
    assert card.feature_count > len(card.features) == 30
    assert len(card.limits) == 2


async def test_the_limits_of_a_model_are_said(bank):
    few = (await learnt(*bank(of_group, count=40))).model.card
    undated = (await learnt(*bank(of_group, count=200, dated=False))).model.card

    assert "Too few customers opened something to learn from: customers are ranked by popularity alone." in few.limits
    assert any("carry no dates" in limit for limit in undated.limits)
    assert any("Too few customers opened something to boost" in limit for limit in undated.limits)


def test_a_model_from_before_cards_has_one_all_the_same():
    card = Model(("A",), AS_OF, {}, learnt_from={"customers": 3}).card

    assert (card.trained_at, card.recommenders, card.judged, card.metrics, card.ablation) == (None, {}, {}, {}, None)
