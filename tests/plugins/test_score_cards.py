"""A plugin's score card beside an experiment that is known, since it was planted."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from graph import erasures, feedback, plugin_days, plugin_stages
from graph.imports import import_rows
from graph.once import Request
from graph.plugin_days import Count, Foreseen, Sighting
from graph.plugin_outcomes import Side
from graph.plugin_stages import StageDecision
from graph.records import Outcome
from graph.words import Channel, OutcomeKind, PluginStage
from plugins.host import PluginHost
from plugins.infos import PluginInfo
from plugins.life.score_cards import ProcessFigures, newcombe, process_figures, score_card, wilson
from plugins.life.stages import LIVE, Life, arm_of
from plugins.life.staging import standing

BEGUN = datetime(2026, 6, 1, 8, tzinfo=UTC)
LATER = BEGUN + timedelta(days=3)
SHARES = ("card", "my-card", "other")
IMPRESSION, ACCEPT = OutcomeKind.IMPRESSION, OutcomeKind.ACCEPT


@pytest.mark.parametrize(
    ("taken", "of", "other", "among", "low", "high"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0),
        (10, 10, 0, 10, 0.6075, 1.0),
    ],
)
def test_intervals_are_those_of_the_paper(taken, of, other, among, low, high):
    """Newcombe (1998), table II, method 10."""
    assert newcombe(taken / of, of, other / among, among) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("taken", "of", "low", "high"), [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)]
)
def test_intervals_of_one_rate_are_those_of_the_paper(taken, of, low, high):
    """Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3."""
    assert wilson(taken / of, of) == pytest.approx((low, high), abs=5e-5)


def test_of_a_hundred_intervals_95_hold_the_truth():
    taken, other = np.random.default_rng(6).binomial(200, [[0.3], [0.1]], (2, 4_000)) / 200
    held = [low <= 0.2 <= high for low, high in (newcombe(p, 200, q, 200) for p, q in zip(taken, other, strict=True))]

    assert 0.94 < np.mean(held) < 0.965


class Experiment:
    """Writes outcomes as servers do."""

    def __init__(self, store):
        self.store = store
        self.written = 0

    async def tell(self, customer, kinds, inside, *, product="GOLD", shares=SHARES, at=LATER):
        decision = {"offered_at": at, "propensity": 0.1, "model": "m1", "arm": arm_of(shares, inside, "default")}
        for kind in kinds:
            self.written += 1
            request = Request(f"key {self.written}", "print", f"recorded-{self.written}", at)
            outcome = Outcome("offer", product, kind, Channel.MOBILE, at)
            await feedback.record_outcome(self.store, customer, outcome, decision, request)

    async def plant(self, size, takers, inside, **own):
        side = "in" if "card" in inside else "out"
        for n in range(size):
            kinds = [IMPRESSION, IMPRESSION, ACCEPT] if n < takers else [IMPRESSION]
            await self.tell(f"{side}{n:03}", kinds, inside, **own)

    async def card(self, name="card"):
        there = await standing(self.store, [PluginInfo(name, "here")], name, PluginStage.LIVE)
        return await score_card(self.store, there)


@pytest.fixture
async def experiment(empty_store):
    numbers = [f"{side}{n:03}" for side in ("in", "out") for n in range(200)]
    await import_rows(empty_store, "products", [
        {"key": code, "digest": "d", "properties": {"product_code": code, "name": code}} for code in ("GOLD", "SAVE")
    ])  # fmt: skip
    await import_rows(empty_store, "customers", [
        {"key": no, "digest": "d", "properties": {"customer_no": no, "kind": "person"}} for no in numbers
    ])  # fmt: skip
    return Experiment(empty_store)


async def decide(store, version, stage, at, share=None):
    await plugin_stages.decide(store, StageDecision("card", version, stage, share, "why", "who", at))


async def test_a_planted_lift_is_found(experiment):
    await decide(experiment.store, 1, PluginStage.SHARE, BEGUN, share=50)
    await experiment.plant(200, 60, frozenset({"card"}))
    await experiment.plant(200, 20, frozenset({"my-card"}))

    card = await experiment.card()

    assert (card.life, card.decision.decided_at, card.counted_since) == (Life(PluginStage.SHARE, 50), BEGUN, BEGUN)
    assert (card.share, card.holdout) == (Side(200, 200, 60), Side(200, 200, 20))
    assert (card.lift.difference, card.lift.ratio) == pytest.approx((0.2, 3.0))
    assert 0.12 < card.lift.low < 0.2 < card.lift.high < 0.28
    none = await experiment.card("rd")
    assert (none.share, none.holdout, none.lift) == (None, None, None)
    opposite = await experiment.card("my-card")
    assert (opposite.share, opposite.holdout) == (card.holdout, card.share)
    assert opposite.lift.difference == -card.lift.difference


async def test_of_fewer_than_20_nothing_is_told(experiment):
    await experiment.plant(19, 9, frozenset({"card"}))
    await experiment.plant(20, 0, frozenset())
    few = await experiment.card()
    await experiment.tell("in100", [IMPRESSION], frozenset({"card"}))
    enough = await experiment.card()

    assert (few.share, few.holdout, few.lift) == (None, Side(20, 20, 0), None)
    assert (enough.share, enough.lift.ratio) == (Side(20, 20, 9), None)


async def test_what_was_offered_before_the_share_as_it_is_does_not_count(experiment):
    await decide(experiment.store, 1, PluginStage.SHARE, BEGUN, share=10)
    await decide(experiment.store, 2, PluginStage.SHARE, LATER, share=50)
    await decide(experiment.store, 3, PluginStage.LIVE, LATER + timedelta(days=9))
    await experiment.plant(25, 25, frozenset({"card"}), at=LATER - timedelta(seconds=1))
    await experiment.plant(20, 5, frozenset({"card"}), product="SAVE")

    card = await experiment.card()

    assert card.share == Side(20, 20, 5)
    assert (card.life, card.decision.version, card.counted_since) == (LIVE, 3, LATER)


async def test_customers_are_counted_on_and_not_their_offers(experiment):
    for inside, takers in ((frozenset({"card"}), 15), (frozenset(), 5)):
        await experiment.plant(50, takers, inside)
    one = await experiment.card()
    for inside, takers in ((frozenset({"card"}), 15), (frozenset(), 5)):
        await experiment.plant(50, takers, inside, product="SAVE")
    two = await experiment.card()

    assert (one.share, two.share) == (Side(50, 50, 15), Side(50, 100, 30))
    assert two.lift == one.lift


async def test_an_erased_customer_is_on_neither_side(experiment):
    await experiment.plant(21, 21, frozenset({"card"}))
    await erasures.erase(experiment.store, erasures.Order("in007", "who", "asked", LATER), "a secret of these tests")

    assert (await experiment.card()).share == Side(20, 20, 20)


async def test_arms_without_experiments_count_for_none(experiment):
    await experiment.plant(20, 5, frozenset(), shares=())

    assert (await experiment.card()).holdout is None


async def test_what_it_did_in_shadow_is_told_of_20_and_more(experiment):
    today = date(2026, 6, 2)
    sightings = [Sighting("card", f"in{n:03}", "GOLD", today) for n in range(20)]
    await plugin_days.add(experiment.store, {("card", today, None): Count(19, 19, 9)}, sightings[:19])
    few = await experiment.card()
    await plugin_days.add(experiment.store, {("card", today, None): Count(1, 1, 1, 1)}, sightings[19:])
    await import_rows(experiment.store, "holdings", [
        {"key": "h", "digest": "d", "properties": {"customer_no": "in003", "product_code": "GOLD", "opened_on": today}}
    ])  # fmt: skip
    card = await experiment.card()

    assert (few.counts, few.foreseen) == (None, None)
    assert (card.counts, card.foreseen) == (Count(20, 20, 10, 1), Foreseen(20, 1))


def test_a_process_tells_of_its_own_calls():
    host = PluginHost.of_shipped()

    assert process_figures(host, "campus") == ProcessFigures(0, 0, 0.0)
    assert process_figures(host, "nobody") is None
