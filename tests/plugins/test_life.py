"""The stages of a plugin: which steps it may take, whom a share is, and what each stage does to offers."""

import math
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from graph.plugin_days import Count
from graph.plugin_stages import StageDecision
from graph.words import PluginStage
from plugins.deciding import build_engine
from plugins.host import PluginHost
from plugins.life.shadows import Shadows
from plugins.life.stages import Life, Lives, before, is_in_share, objection

DRAFT, SHADOW, SHARE, LIVE, RETIRED = PluginStage
FIFTY = Life(SHARE, 50)
PLUGIN = """
from guanxi import Proposal, recommender

@recommender("pushy")
def propose(customer):
    yield Proposal("GOLD", 1.0, "because")
"""
FAILING = PLUGIN.replace("yield", "raise OSError; yield")
PACKED = """
import numpy as np
from plugins.hookspecs import hookimpl
from recommenders.contract import BundleRule, Lever
from recommenders.gates import Explanation, Rule, say

@hookimpl
def gates(register):
    refuses = lambda batch: np.ones(batch.shape, bool)
    register(Rule("eligibility", "NO", refuses, lambda customer, product: Explanation(say("no", "no"), "x", None)))
"""
LEVER = """
from plugins.hookspecs import hookimpl
from recommenders.contract import Lever

@hookimpl
def levers(register, catalogue):
    register(Lever("up", {"SAVE": 3.0}))
"""
COUNTED = """
from guanxi import BundleRule, Lever, hookimpl

CALLS = []
TEXT = {{"en": "Pair", "zh": "P"}}

@hookimpl
def bundles(register, catalogue):
    CALLS.append("bundles")
    register(BundleRule("{code}", ("GOLD", "SAVE"), TEXT, TEXT))

@hookimpl
def levers(register, catalogue):
    CALLS.append("levers")
    register(Lever("{name}", {{"{product}": 3.0}}))
"""
ENDLESS_GATE = """
import time
from plugins.hookspecs import hookimpl
from recommenders.gates import Rule

GOING = [True]

def refuses(batch):
    while GOING:
        time.sleep(0.01)

@hookimpl
def gates(register):
    register(Rule("eligibility", "ENDLESS-{name}", refuses, lambda customer, product: None))
"""


def decision(version, stage, share=None, restores=None):
    return StageDecision("pushy", version, stage, share, "why", "who", datetime(2026, 1, 1, tzinfo=UTC), restores)


@pytest.mark.parametrize(
    ("now", "then", "said"),
    [
        (Life(DRAFT), Life(SHADOW), None),
        (Life(SHADOW), FIFTY, None),
        (FIFTY, Life(SHARE, 60), None),
        (FIFTY, Life(LIVE), None),
        (Life(LIVE), Life(DRAFT), None),
        (Life(DRAFT), Life(RETIRED), None),
        (Life(RETIRED), Life(SHADOW), None),
        (Life(DRAFT), Life(LIVE), "From draft it goes to shadow before live, unless that is forced."),
        (Life(SHADOW), Life(LIVE), "From shadow it goes to share before live, unless that is forced."),
        (Life(RETIRED), Life(LIVE), "A plugin that is retired begins anew, as draft or shadow."),
        (FIFTY, FIFTY, None),
        (Life(RETIRED), Life(RETIRED), None),
        (Life(SHADOW), Life(SHARE), "A share is a whole number of percent, from 1 to 99."),
        (Life(SHADOW), Life(SHARE, 100), "A share is a whole number of percent, from 1 to 99."),
        (Life(SHADOW), Life(LIVE, 5), "The stage live has no share."),
    ],
)
def test_forward_it_goes_one_stage_at_a_time_and_back_at_any(now, then, said):
    assert objection(now, then) == said


def test_force_skips_stages_and_nothing_else():
    assert objection(Life(DRAFT), Life(LIVE), force=True) is None
    assert objection(Life(RETIRED), Life(LIVE), force=True) is None
    assert objection(Life(DRAFT), Life(SHARE, 0), force=True) is not None


def test_each_rollback_goes_one_decision_further_back():
    told = [decision(1, DRAFT), decision(2, SHARE, 20), decision(3, LIVE)]
    found = []
    while (back := before(told, Life(LIVE))) is not None:
        life, restores = back
        found.append(back)
        told.append(decision(len(told) + 1, life.stage, life.share, restores))

    assert found == [(Life(SHARE, 20), 2), (Life(DRAFT), 1), (Life(LIVE), 0)]
    assert before([], Life(LIVE)) is None
    assert before([*told, decision(7, RETIRED)], Life(SHADOW)) == (Life(SHADOW), 0)


def test_after_a_rollback_and_a_new_decision_a_rollback_goes_to_what_was_restored():
    told = [
        decision(1, DRAFT),
        decision(2, SHADOW),
        decision(3, SHARE, 9),
        decision(4, SHADOW, None, 2),
        decision(5, LIVE),
    ]

    assert before(told, Life(LIVE)) == (Life(SHADOW), 2)


def test_a_share_is_as_large_as_it_says_and_grows_without_losing_anybody():
    numbers = [f"C{n}" for n in range(20_000)]
    small, large = ({no for no in numbers if is_in_share("pushy", no, share)} for share in (20, 50))
    other = {no for no in numbers if is_in_share("other", no, 50)}

    assert small < large
    assert abs(len(small) - 4_000) < 4 * math.sqrt(20_000 * 0.2 * 0.8)
    assert abs(len(large & other) - 5_000) < 4 * math.sqrt(20_000 * 0.25 * 0.75)  # each plugin draws for itself


@pytest.fixture
def bank(catalogue, product, person, host_of, context):
    """Return a function: the engine with a plugin on a stage, and its answer to some customers; None is without it."""
    products = catalogue(product("GOLD", margin=500.0), product("SAVE", margin=10.0), product("CARD", margin=20.0))
    people = [person(f"C{n}", holds=["CARD"] if n % 2 else ()) for n in range(40)]

    def decided(life, source=PLUGIN, **changes):
        host = PluginHost.load() if life is None else host_of(pushy=source)
        shadows = Shadows()
        engine = build_engine(products, host, None, Lives({} if life is None else {"pushy": life}), shadows)
        answers = engine.answer(people, context(**changes))
        shadows.settle()
        shadows.close()
        return answers, engine, shadows.take()

    return decided


@pytest.mark.parametrize("source", [PLUGIN, FAILING, PACKED, LEVER], ids=["proposes", "fails", "gate", "lever"])
@pytest.mark.parametrize("stage", [DRAFT, SHADOW, RETIRED])
def test_a_plugin_that_is_not_live_leaves_all_offers_as_they_are_to_the_bit(bank, stage, source):
    assert bank(Life(stage), source)[0] == bank(None)[0]


def test_a_plugin_on_which_nobody_decided_is_live_and_the_setting_says_otherwise(bank, host_of):
    live = bank(Life(LIVE))[0]
    [pushy] = [info for info in host_of(pushy=PLUGIN).plugins if info.name == "pushy"]

    assert live != bank(None)[0]
    assert Lives().life(pushy) == Life(LIVE)
    assert Lives(new=SHADOW).life(pushy) == Life(SHADOW)
    assert Lives(new=SHADOW).life(host_of().plugins[0]) == Life(LIVE)


@pytest.mark.parametrize("source", [PLUGIN, PACKED, LEVER], ids=["proposes", "gate", "lever"])
def test_a_share_is_decided_with_the_plugin_and_its_holdout_as_if_it_were_not_there(bank, source):
    def unarmed(answers, of_whom):
        return [
            replace(answer, offers=tuple(replace(offer, arm="") for offer in answer.offers))
            for answer in answers
            if of_whom(answer.customer_no)
        ]

    def inside(number):
        return is_in_share("pushy", number, 50)

    staged, without, live = bank(FIFTY, source)[0], bank(None)[0], bank(Life(LIVE), source)[0]

    assert [answer.customer_no for answer in staged] == [answer.customer_no for answer in without]
    assert unarmed(staged, inside) == unarmed(live, inside) != unarmed(without, inside)
    assert unarmed(staged, lambda number: not inside(number)) == unarmed(without, lambda number: not inside(number))


def test_offers_say_on_which_side_of_a_share_their_customer_is(bank):
    told = {offer.arm: is_in_share("pushy", offer.customer_no, 50) for a in bank(FIFTY)[0] for offer in a.offers}

    assert told == {"pushy:share": True, "pushy:holdout": False}
    assert {offer.arm for answer in bank(Life(LIVE))[0] for offer in answer.offers} == {"default"}


def test_a_decision_is_explained_by_the_side_on_which_the_customer_is(bank, person, context):
    _, engine, _ = bank(FIFTY)
    people = [person(f"C{n}") for n in range(40)]
    supported = {p.customer_no for p in people if "pushy" in engine.decide(p, "GOLD", context()).trace[0].text}

    assert supported == {p.customer_no for p in people if is_in_share("pushy", p.customer_no, 50)}


def test_shadow_counts_what_would_have_been_among_the_best(bank):
    _, _, seen = bank(Life(SHADOW), top=1)
    [(_, day, _)] = [key for key in seen.counts if key[2] is None]
    whole, gold = seen.counts["pushy", day, None], seen.counts["pushy", day, "GOLD"]

    assert (whole.asked, whole.proposed, whole.best, whole.failures) == (40, 40, 40, 0)
    assert whole.seconds > 0
    assert gold == Count(40, 40, 40)
    assert {pair[1:] for pair in seen.sightings} == {(f"C{n}", "GOLD") for n in range(40)}


def test_shadow_counts_failures_and_what_loses_to_others(bank):
    poor = PLUGIN.replace('"GOLD", 1.0', '"SAVE", 0.000001')
    _, _, failing = bank(Life(SHADOW), FAILING)
    _, _, losing = bank(Life(SHADOW), poor, top=1)

    [count] = failing.counts.values()
    assert (count.asked, count.proposed, count.failures) == (40, 0, 1)
    assert {key[2]: count.best for key, count in losing.counts.items()} == {None: 0, "SAVE": 0}
    assert losing.sightings == {}


def test_what_is_not_live_is_asked_nothing(bank):
    for stage in (DRAFT, RETIRED):
        assert bank(Life(stage), FAILING)[2].counts == {}


def test_a_share_is_counted_too_and_its_holdout_is_not(bank):
    _, _, seen = bank(FIFTY)
    inside = sum(is_in_share("pushy", f"C{n}", 50) for n in range(40))

    assert {count.asked for count in seen.counts.values()} == {inside}
    assert seen.sightings == {}


@pytest.fixture
def shared(catalogue, product, person, host_of):
    """Return a function: the engine with plugins of some sources in half of the customers each, its host, and these."""
    products = catalogue(product("GOLD", margin=500.0), product("SAVE", margin=10.0), product("CARD", margin=20.0))
    people = [person(f"C{n}") for n in range(40)]

    def make(stages=None, **sources):
        host = host_of(**sources)
        return build_engine(products, host, None, Lives(stages or dict.fromkeys(sources, FIFTY))), host, people

    return make


def counted(**codes):
    """Sources of plugins with a lever and a bundle of some code, by their names."""
    up = {"one": "SAVE", "two": "CARD"}
    return {name: COUNTED.format(code=code, name=name, product=up[name]) for name, code in codes.items()}


def test_bundles_and_levers_are_asked_once_for_all_combinations_of_shares_and_before_any_request(shared, context):
    engine, host, people = shared(**counted(one="ONE", two="TWO"))
    calls = [own.plugin.CALLS for own in host.loaded if own.info.name in {"one", "two"}]
    assert calls == [["bundles", "levers"]] * 2

    engine.answer(people, context())

    assert len({engine.inside(person.customer_no) for person in people}) == 4
    assert calls == [["bundles", "levers"]] * 2


@pytest.mark.parametrize("stage", [DRAFT, SHADOW, RETIRED])
def test_bundles_and_levers_of_what_decides_of_nobody_are_not_asked(shared, context, stage):
    engine, host, people = shared({"one": Life(stage)}, **counted(one="ONE"))
    engine.answer(people, context())

    assert [own.plugin.CALLS for own in host.loaded if own.info.name == "one"] == [[]]


@pytest.mark.parametrize(("code", "noted"), [("TWO", ("loaded", 0)), ("ONE", ("failing", 1))], ids=["own", "taken"])
def test_shares_decide_as_if_they_were_live_and_a_bundle_that_another_has_is_a_failure_noted_once(
    shared, context, code, noted
):
    sources = counted(one="ONE", two=code) | {"three": PLUGIN.replace("pushy", "three")}
    engine, host, people = shared(**sources)
    for inside in {engine.inside(person.customer_no) for person in people}:
        stages = {name: Life(LIVE if name in inside else RETIRED) for name in sources}
        without_shares, _, _ = shared(stages, **sources)
        same = [person for person in people if engine.inside(person.customer_no) == inside]
        found, expected = ([unarmed(a) for a in e.answer(same, context())] for e in (engine, without_shares))
        assert found == expected
    told = [(info.state, info.failures) for info in host.plugins if info.name in {"one", "two"}]
    assert told == [("loaded", 0), noted]


def unarmed(answer):
    """An answer whose offers do not say on which side of a share their customer is."""
    bundles = (replace(own, offers=tuple(replace(offer, arm="") for offer in own.offers)) for own in answer.bundles)
    return replace(answer, offers=tuple(replace(offer, arm="") for offer in answer.offers), bundles=tuple(bundles))


def test_a_gate_that_never_ends_leaves_one_thread_behind_whatever_the_combinations_of_shares(
    shared, context, budget, request
):
    budget(0.05)
    names = ("one", "two", "three")
    engine, host, people = shared(**{name: ENDLESS_GATE.format(name=name) for name in names})
    for own in host.loaded:
        if own.info.name in names:
            request.addfinalizer(own.plugin.GOING.clear)
    answers = engine.answer(people, context())

    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("ENDLESS-")]
    assert sorted(left) == [f"ENDLESS-{name}" for name in sorted(names)]
    assert {bool(answer.offers) for answer in answers if engine.inside(answer.customer_no)} == {False}
