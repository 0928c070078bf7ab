"""Banks with a planted effect, split and scored: what the past foresaw of what came after, for whom, and by what."""

import json
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser

import numpy as np
import pytest

from graph.errors import ModelError
from graph.records import Holding, Membership
from graph.words import Gender, MemberRole, ProgrammeKind
from recommenders.als import Als
from recommenders.cohorts import Cohorts
from recommenders.engine import Engine
from recommenders.evaluation_page import page
from recommenders.fairness import Column, failures, labels, proxies_of
from recommenders.gates import DEFAULT_GATES
from recommenders.popularity import Popularity
from recommenders.rules import LifecycleRules
from recommenders.trial import report, run, split_bank, split_given

AS_OF = date(2026, 6, 30)
CODES = ("A", "B", "C", "D", "E", "F")
RECOMMENDERS = (Als(), Cohorts(), Popularity(), LifecycleRules())
GENDERS = (Gender.FEMALE, Gender.MALE)


@pytest.fixture
def opens(person):
    """Return a function: customers who open up to three products over 400 days, each as ``choose`` says."""

    def make(count, choose, seed=1, **traits):
        dice = np.random.default_rng(seed)
        made = []
        for number in range(count):
            own = {name: value(dice, number) for name, value in traits.items()}
            held = {}
            for back in sorted(dice.integers(0, 400, dice.integers(1, 4)), reverse=True):
                held.setdefault(choose(dice, own), AS_OF - timedelta(days=int(back)))
            made.append(person(f"C{number:05}", holdings=tuple(Holding(*item) for item in held.items()), **own))
        return made

    return make


def any_of(dice, *_):
    return str(dice.choice(CODES, p=[0.4, 0.25, 0.15, 0.1, 0.06, 0.04]))


def by_group(dice, own):
    return {"young": "E", "old": "F"}[own["attributes"]["group"]] if dice.random() < 0.7 else any_of(dice)


def in_groups(dice, _):
    return {"group": str(dice.choice(["young", "old"]))}


async def tried(split, attributes=(), **options):
    return await run(
        split,
        RECOMMENDERS,
        lambda model: Engine(
            split.ledger.catalogue, model.apply(RECOMMENDERS), DEFAULT_GATES, (), model.calibration, model.ranker
        ),
        attributes,
        **options,
    )


async def told(bank, customers, attributes=(), k=3, **options):
    return report(await tried(split_bank(*bank(customers), AS_OF), attributes, **options), AS_OF, k)


async def test_a_planted_rule_is_foreseen_and_beats_popularity(bank, opens):
    found = await told(bank, opens(900, by_group, attributes=in_groups))

    assert found["split"]["how"] == "time"
    assert found["systems"]["ranker"]["beside_popularity"]["map@3"]["low"] > 0.05
    assert found["systems"]["logit"]["beside_popularity"]["map@3"]["low"] > 0.05
    assert found["gates"]["refused"] == 0
    assert {"als", "relations", "popularity", "lifecycle", "ranker", "engine"} <= set(found["systems"])


async def test_of_chance_nothing_is_claimed(bank, opens):
    found = await told(bank, opens(900, any_of, attributes=in_groups, gender=lambda dice, _: GENDERS[dice.integers(2)]),
                       ["gender"])  # fmt: skip

    assert found["systems"]["ranker"]["beside_popularity"]["map@3"]["low"] <= 0
    assert found["fairness"]["gender"]["proxies"]["together"] < 0.6
    assert all(proxy["auc"] < 0.6 for proxy in found["fairness"]["gender"]["proxies"]["found"])


async def test_what_came_after_the_split_is_not_in_any_score(bank, opens):
    customers = opens(700, by_group, attributes=in_groups)
    first = split_bank(*bank(customers), AS_OF)
    turned = [
        other(customer, lambda h: Holding("ABCDEF"[-1 - "ABCDEF".index(h.product_code)], h.opened_on), first.day)
        for customer in customers
    ]

    scored = [(await tried(split_bank(*bank(people), AS_OF))).scored for people in (customers, turned)]

    both = [{number: row for row, number in enumerate(numbers(split_bank(*bank(people), AS_OF)))}
            for people in (customers, turned)]  # fmt: skip
    same = sorted(set(both[0]) & set(both[1]))
    rows = [[each[number] for number in same] for each in both]
    assert len(same) > 600
    assert not np.array_equal(scored[0].opened[rows[0]], scored[1].opened[rows[1]])
    for name, system in scored[0].systems.items():
        assert np.array_equal(system.order[rows[0]], scored[1].systems[name].order[rows[1]]), name


def other(customer, change, day):
    held = tuple(change(h) if h.opened_on > day else h for h in customer.holdings)
    return replace(customer, holdings=held)


def numbers(split):
    return [split.ledger.customer_nos[row] for row in split.drawn.rows]


async def test_propensities_are_told_for_as_long_as_the_truth_reaches(bank, opens):
    split = split_bank(*bank(opens(600, any_of)), AS_OF)
    trial = await tried(split)
    longer = await tried(replace(split, months=3 * split.months))

    one, three = (each.scored.systems["ranker"].propensities for each in (trial, longer))
    learnt = trial.model.ranker.period_months
    assert one == pytest.approx(1 - (1 - three) ** (1 / 3), rel=1e-3, nan_ok=True)
    assert learnt > 0


async def test_without_dates_one_holding_of_each_is_hidden_from_training_and_request(bank, person):
    dice = np.random.default_rng(4)
    together = [("A", "D"), ("B", "E"), ("C", "F")]
    customers = [person(f"C{number:04}", holds=together[dice.integers(3)]) for number in range(800)]

    split = split_bank(*bank(customers), AS_OF)
    trial = await tried(split)
    found = report(trial, AS_OF, 3)

    assert split.how == "hidden"
    assert len(split.ledger.holdings.rows) == 1_600 - 200
    assert {len(customer.holdings) for customer in await split.load(numbers(split))} == {1}
    assert not (trial.scored.held & trial.scored.opened).any()
    assert trial.scored.opened.sum(axis=1).tolist() == [1] * 200
    assert found["openers"] == 200
    assert found["systems"]["ranker"]["metrics"]["hr@1"]["mean"] > 0.95


async def test_a_customer_whose_only_holding_is_hidden_is_cold(bank, person):
    customers = [person(f"C{number:04}", holds=["A"] if number < 200 else ["A", "B"]) for number in range(400)]

    found = await told(bank, customers)

    assert found["openers"] == 100
    assert 30 < found["segments"]["cold: nothing held"]["customers"] < 70


async def test_openings_of_customers_who_joined_later_are_counted_and_left_out(bank, opens, person):
    late = [
        person(f"N{number}", joined_on=AS_OF - timedelta(days=9), holdings=(Holding("A", AS_OF - timedelta(days=9)),))
        for number in range(30)
    ]

    split = split_bank(*bank([*opens(600, any_of), *late]), AS_OF)

    assert split.newcomers == 30
    assert not any(number.startswith("N") for number in numbers(split))


async def test_holdings_without_a_day_are_told_of(bank, opens):
    customers = [
        replace(c, holdings=(*c.holdings, Holding("F"))) if number % 2 else c
        for number, c in enumerate(opens(400, lambda dice, _: str(dice.choice(["A", "B"]))))
    ]

    split = split_bank(*bank(customers), AS_OF)

    assert dict(split.undated) == {"F": 1.0}


async def test_a_given_truth_is_scored_by_all_that_was_known_on_the_day(bank, opens):
    ledger, load = bank(opens(600, any_of))
    unheld = np.argwhere(ledger.portfolio(AS_OF).held.toarray() == 0)[::5].astype(np.int32)

    split = split_given(ledger, load, AS_OF, unheld)
    found = report(await tried(split), AS_OF, 3)

    assert (split.how, split.day) == ("holdout", AS_OF)
    assert found["openings"] == len(unheld)


async def test_a_truth_that_was_held_before_is_nothing_to_evaluate(bank, opens):
    ledger, load = bank(opens(100, any_of))
    held = np.argwhere(ledger.portfolio(AS_OF).held.toarray() > 0).astype(np.int32)

    with pytest.raises(ModelError, match="products they held by then"):
        split_given(ledger, load, AS_OF, held)


def test_a_bank_with_nothing_to_evaluate_says_why(bank, person):
    with pytest.raises(ModelError, match="nobody holds a product on 2026-06-30"):
        split_bank(*bank([person("C1")]), AS_OF)
    with pytest.raises(ModelError, match="no customers and products"):
        split_bank(*bank([]), AS_OF)


async def test_where_consent_is_unknown_gates_refuse_all_and_the_ranking_is_told_all_the_same(bank, opens):
    found = await told(bank, opens(600, by_group, attributes=in_groups, marketing_consent=lambda *_: None))

    assert found["gates"]["refused"] == 1
    assert found["gates"]["by_gate"]["NO_CONSENT"] == 1
    assert found["systems"]["engine"]["metrics"]["hr@3"]["mean"] == 0
    assert found["systems"]["engine"]["coverage"] == 0
    assert found["systems"]["ranker"]["metrics"]["hr@3"]["mean"] > 0.5


def title(_, number):
    return {"title": "Ms" if number % 2 else "Mr"}


def gender_of(_, number):
    return GENDERS[0 if number % 2 else 1]


async def test_a_planted_proxy_is_named_and_fails_the_run_though_gender_is_no_feature(bank, opens):
    found = await told(
        bank, opens(600, any_of, gender=gender_of, attributes=title), ["gender"], protected=["gender"]
    )  # fmt: skip

    proxies = found["fairness"]["gender"]["proxies"]
    assert not proxies["is_feature"]
    assert proxies["found"][0]["name"] == "own:title"
    assert proxies["found"][0]["auc"] == proxies["together"] == 1
    assert any(said.startswith("own:title can stand in for gender") for said in failures(found["fairness"], None, 0.8))
    assert failures(found["fairness"], None, None) == []


async def test_a_path_through_a_programme_is_a_proxy(bank, opens):
    def member(_, number):
        return (Membership(f"CAMPUS-{number % 2}", ProgrammeKind.CAMPUS, MemberRole.STUDENT),)

    def choose(dice, own):
        return "E" if own["memberships"][0].programme_code == "CAMPUS-1" and dice.random() < 0.6 else any_of(dice)

    found = await told(bank, opens(600, choose, gender=gender_of, memberships=member), ["gender"], protected=["gender"])

    named = {proxy["name"]: proxy["auc"] for proxy in found["fairness"]["gender"]["proxies"]["found"]}
    assert named["customer → programme CAMPUS-1"] == 1
    assert named["customer → programme → E"] == 1


async def test_groups_are_offered_and_hit_at_rates_of_their_own_and_a_gap_fails_the_run(bank, opens):
    def choose(dice, own):
        return ("E" if own["gender"] is Gender.FEMALE else "F") if dice.random() < 0.35 else any_of(dice)

    found = (await told(bank, opens(600, choose, gender=gender_of), ["gender"], k=1))["fairness"]

    female, male = found["gender"]["groups"]
    assert (female["group"], male["group"]) == ("female", "male")
    assert female["engine"]["products"]["E"] > male["engine"]["products"]["E"] + 0.1
    assert female["engine"]["hit_rate"]["low"] <= female["engine"]["hit_rate"]["mean"]
    assert any(
        "offer rate of E (engine)" in said and "gender male and female" in said for said in failures(found, 0.1, None)
    )
    assert found["gender"]["proxies"]["is_feature"]


async def test_a_group_under_20_is_not_described_and_what_cannot_be_checked_fails(bank, opens):
    def rare(_, number):
        return {"faith": "few" if number < 19 else "many"}

    found = (await told(bank, opens(400, any_of, attributes=rare), ["faith", "gendre"]))["fairness"]

    assert "few" not in json.dumps(found)
    assert [said.partition(" ")[0] for said in failures(found, 0.5, None)] == ["faith", "gendre"]


def test_a_proxy_may_be_a_hump_or_what_is_not_known():
    dice = np.random.default_rng(6)
    female = dice.random(600) < 0.5
    values = np.where(female, dice.normal(0, 0.1, 600), dice.choice([-1.0, 1.0], 600)).astype(np.float32)
    missing = np.where(female, np.nan, 1).astype(np.float32)
    noise = dice.random(600).astype(np.float32)
    empty = np.full(600, np.nan, np.float32)

    found = proxies_of(
        "gender",
        np.where(female, "female", "male").astype(object),
        [Column("hump", values), Column("gap", missing), Column("noise", noise), Column("empty", empty)],
    )

    aucs = {proxy["name"]: proxy["auc"] for proxy in found["found"]}
    assert aucs["hump"] > 0.95
    assert aucs["gap"] == 1
    assert 0.4 < aucs["noise"] < 0.6
    assert "empty" not in aucs


def test_a_number_is_told_of_by_quarters():
    assert labels(np.array([*range(20, 60), None], object)).tolist()[::10] == [
        "below 29.75", "29.75 to 39.5", "39.5 to 49.25", "49.25 and above", None,
    ]  # fmt: skip


NAMES = {
    "": {"version", "as_of", "split", "products_known", "insights", "k", "customers", "openers", "openings", "baseline", "systems",
         "segments", "gates", "products", "reliability", "fairness"},
    "split": {"how", "learnt_until", "scored_until", "months", "months_learnt", "openings_of_newcomers", "undated", "stack"},
    "systems.ranker": {"kind", "metrics", "beside_popularity", "coverage", "novelty", "diversity", "calibration", "gain"},
    "systems.ranker.metrics": {"map@1", "ndcg@1", "hr@1", "recall@1", "map@3", "ndcg@3", "hr@3", "recall@3", "mrr"},
    "systems.ranker.metrics.mrr": {"mean", "low", "high"},
    "systems.ranker.calibration": {"error", "foreseen", "seen", "bins", "likeliest"},
    "systems.ranker.calibration.bins.0": {"predicted", "observed", "share"},
    "systems.ranker.gain.0": {"asked", "openings"},
    "segments.no programme": {"customers", "openers", "systems"},
    "gates": {"openings", "refused", "by_gate"},
    "products.0": {"product", "openings", "rate", "foreseen", "captured", "lift"},
    "reliability": {"least", "products", "pooled"},
    "reliability.products.0": {"product", "error", "foreseen", "seen", "bins", "likeliest"},
    "reliability.pooled": {"products", "calibration"},
    "reliability.pooled.calibration": {"error", "foreseen", "seen", "bins", "likeliest"},
    "fairness.gender": {"groups", "gaps", "proxies"},
    "fairness.gender.groups.0": {"group", "customers", "openers", "engine", "ranker"},
    "fairness.gender.groups.0.engine": {"offer_rate", "products", "hit_rate"},
    "fairness.gender.gaps.0": {"of", "list", "gap", "lowest", "highest"},
    "fairness.gender.proxies": {"customers", "is_feature", "found", "together"},
    "fairness.gender.proxies.found.0": {"name", "auc", "group"},
}  # fmt: skip


class References(HTMLParser):
    """Collects the tags of a page and whatever points outside of it."""

    def __init__(self):
        super().__init__()
        self.tags, self.outside = set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.outside += [
            (tag, name) for name, value in attrs if name in {"src", "href", "xlink:href", "action", "data"}
        ]


async def test_the_report_keeps_its_names_and_its_page_refers_to_nothing_outside(bank, opens):
    people = opens(1_000, any_of, gender=gender_of, attributes=lambda *_: {"<b>": "&"})
    found = await told(bank, people, ["gender", "<b>"])

    for path, names in NAMES.items():
        place = found
        for key in path.split(".") if path else ():
            place = place[int(key)] if isinstance(place, list) else place[key]
        assert set(place) == names, path
    json.dumps(found)
    html = page({**found, "failures": ["<script>alert(1)</script>"]})
    parsed = References()
    parsed.feed(html)
    assert parsed.outside == []
    assert {"svg", "path", "table"} <= parsed.tags
    assert not parsed.tags & {"script", "link", "img", "iframe"}
    assert "http" not in html.replace("http-equiv", "")
    assert "url(" not in html
    assert ">nan" not in html
    of_products = [f"{each['product']}: {each['foreseen']:,.0f} foreseen, {each['seen']:,.0f} came true"
                   for each in found["reliability"]["products"]]  # fmt: skip
    for plot in ("Reliability", "Cumulative gain", "Lift of the likeliest tenth", *of_products):
        assert f'aria-label="{plot}"' in html
    pooled = found["reliability"]["pooled"]["products"]
    assert f"Pooled, each with under 100 openings foreseen and seen: {', '.join(pooled)}." in html
