"""Banks with a planted effect: what was planted must be found, and nothing where there is only chance."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from graph.errors import ModelError
from graph.records import ActivityMonth, Holding, Interaction, KinHolding, Membership
from graph.words import Channel, MemberRole, ProgrammeKind
from recommenders import ablation
from recommenders.als import Als
from recommenders.artefact import load_current, save
from recommenders.batch import Batch
from recommenders.calibration import PRIOR_PROPENSITY
from recommenders.choice import MOST_INDICATORS, indicators
from recommenders.cohorts import Cohorts
from recommenders.contract import Candidates, Context, Omitted
from recommenders.engine import Engine
from recommenders.examples import Past, Seen, draw, proposals, read_examples, sample_schema
from recommenders.features import MOST_WORDS, extract
from recommenders.gates import DEFAULT_GATES
from recommenders.popularity import Popularity
from recommenders.rules import LifecycleRules
from recommenders.training import learn

AS_OF = date(2026, 6, 30)
CODES = ("A", "B", "C", "D", "E", "F")
RECOMMENDERS = (Als(), Cohorts(), Popularity(), LifecycleRules())


@pytest.fixture
def opens(person):
    """Return a function: customers over ``days``, each opening products in turn as ``choose`` says, or none."""

    def make(count, choose, days=400, seed=1, **traits):
        dice = np.random.default_rng(seed)
        made = []
        for number in range(count):
            own = {name: value(dice, number) for name, value in traits.items()}
            held = []
            for day in sorted(dice.integers(0, days, dice.integers(1, 4))):
                code = choose(dice, own, AS_OF - timedelta(days=days - int(day) - 1), {h.product_code for h in held})
                if code is not None and code not in {h.product_code for h in held}:
                    held.append(Holding(code, AS_OF - timedelta(days=days - int(day) - 1)))
            made.append(person(f"C{number:05}", holdings=tuple(held), **own))
        return made

    return make


def any_of(dice, *_):
    return str(dice.choice(CODES, p=[0.4, 0.25, 0.15, 0.1, 0.06, 0.04]))


def by_group(dice, own, *_):
    return {"young": "E", "old": "F"}[own["attributes"]["group"]] if dice.random() < 0.7 else any_of(dice)


def in_groups(dice, _):
    return {"group": str(dice.choice(["young", "old"]))}


async def taught(bank, customers, **options):
    ledger, load = bank(customers)
    return ledger, (await learn(ledger, load, RECOMMENDERS, AS_OF, **options)).model


def propensities(ledger, model, customers):
    batch = Batch.of(customers, ledger.catalogue, Context(today=AS_OF))
    return model.ranker.propensities(batch, proposals(model.apply(RECOMMENDERS), batch))


async def test_a_rule_is_found(bank, opens, person):
    customers = opens(3_000, by_group, attributes=in_groups)
    ledger, model = await taught(bank, customers)

    young, old = propensities(ledger, model, [person("X", attributes={"group": group}) for group in ("young", "old")])

    assert CODES[np.argmax(young)] == "E"
    assert CODES[np.argmax(old)] == "F"
    assert model.ranker.card["map@7"]["stack"] > model.ranker.card["map@7"]["popularity"] + 0.1


async def test_the_group_that_decides_is_what_the_ranking_loses_most_without(bank, opens):
    def contacted(dice, number):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=int(dice.integers(170)))
        return (Interaction(f"I{number}", Channel.WEB, "click", at, str(dice.choice(CODES))),)

    traits = {
        "attributes": in_groups,
        "interactions": contacted,
        "region": lambda dice, _: f"R{dice.integers(9)}",
    }
    _, model = await taught(bank, opens(3_000, by_group, **traits))

    found = model.card.ablation

    assert next(iter(found.groups)) == "own columns"
    assert found.groups["own columns"] > 0.15
    assert abs(found.groups["contacts"]) < 0.015
    assert abs(found.groups["profile"]) < 0.015
    assert abs(found.groups["holdings"]) < 0.03
    assert found.groups["activity"] == 0
    assert found.whole == model.card.headline
    assert found.examples == model.card.judged["examples"]
    assert set(found.groups) == set(model.ranker.schema.groups)
    assert set(found.members) == set(model.ranker.stack)


async def test_a_member_that_alone_finds_the_rule_is_missed_and_the_others_are_weighed_anew(bank, opens):
    _, model = await taught(bank, opens(500, by_group, attributes=in_groups))

    found = model.card.ablation

    assert list(found.members) == ["logit", "popularity"]
    assert found.members["logit"] == pytest.approx(found.whole - model.card.metrics["map@7 of popularity"], abs=0.0002)
    assert found.members["logit"] > 0.1
    assert abs(found.members["popularity"]) < 0.02


async def test_what_is_lost_is_measured_on_no_more_pairs_than_the_bound(bank, opens, monkeypatch):
    monkeypatch.setattr(ablation, "MOST_PAIRS", 600)

    _, model = await taught(bank, opens(1_500, any_of))

    assert model.card.ablation.examples == 600 // len(CODES) < model.card.judged["examples"]


async def test_what_relatives_hold_is_found(bank, opens, person):
    def choose(dice, own, *_):
        return own["kin"][0].product_code if dice.random() < 0.6 else any_of(dice)

    customers = opens(3_000, choose, kin=lambda dice, _: (KinHolding("R", str(dice.choice(CODES)), date(2020, 1, 1)),))
    ledger, model = await taught(bank, customers)

    found = propensities(ledger, model, [person("X", kin=(KinHolding("R", code, date(2020, 1, 1)),)) for code in CODES])

    assert [CODES[column] for column in np.argmax(found, axis=1)] == list(CODES)


async def test_a_season_is_found(bank, opens, person):
    def choose(dice, _, day, __):
        return "F" if day.month == 7 and dice.random() < 0.8 else any_of(dice)

    ledger, model = await taught(bank, opens(9_000, choose, days=1_095))
    summer, winter = (
        model.ranker.propensities(batch, proposals(model.apply(RECOMMENDERS), batch))[0]
        for batch in (
            Batch.of([person("X")], ledger.catalogue, Context(today=day)) for day in (AS_OF, date(2025, 12, 31))
        )
    )

    assert CODES[np.argmax(summer)] == "F"
    assert CODES[np.argmax(winter)] == "A"


async def test_where_there_is_only_chance_popularity_is_the_answer(bank, opens):
    traits = {
        "attributes": lambda dice, _: {f"x{number}": float(dice.random()) for number in range(20)},
        "region": lambda dice, _: f"R{dice.integers(40)}",
    }
    ledger, model = await taught(bank, opens(3_000, any_of, **traits))
    strangers = opens(300, lambda *_: None, seed=9, **traits)

    ranked = np.argsort(-propensities(ledger, model, strangers), axis=1)
    card = model.ranker.card["map@7"]

    assert card["stack"] > card["popularity"] - 0.02
    assert [CODES[column] for column in np.median(ranked, axis=0).astype(int)][:3] == ["A", "B", "C"]
    assert (ranked[:, 0] == 0).mean() > 0.95


async def test_propensities_are_the_shares_that_come_true(bank, opens):
    customers = opens(6_000, lambda dice, *_: "A" if dice.random() < 0.5 else any_of(dice))
    ledger, model = await taught(bank, customers)
    batch = Batch.of(customers, ledger.catalogue, Context(today=AS_OF))
    of_last_month = sum(h.opened_on > AS_OF - timedelta(days=30) for c in customers for h in c.holdings)

    foreseen = np.nansum(model.ranker.propensities(batch, proposals(model.apply(RECOMMENDERS), batch)))

    assert foreseen == pytest.approx(of_last_month, rel=0.25)
    assert model.ranker.period_months == 1


async def test_without_dates_what_belongs_together_is_found(bank, person):
    dice = np.random.default_rng(4)
    pairs = [("A", "D"), ("B", "E"), ("C", "F")]
    customers = [person(f"C{number}", holds=pairs[dice.integers(3)]) for number in range(2_000)]
    ledger, model = await taught(bank, customers)

    found = propensities(ledger, model, [person("X", holds=[code]) for code in "ABC"])

    assert model.ranker.period_months == 0
    assert [CODES[column] for column in np.nanargmax(found, axis=1)] == ["D", "E", "F"]


def later_facts(customer):
    """Return the customer with everything that happened after the moment changed, and more of it."""
    when = datetime(2026, 6, 29, tzinfo=UTC)
    return replace(
        customer,
        holdings=(*(h for h in customer.holdings if h.opened_on <= MOMENT), Holding("F", AS_OF)),
        interactions=(Interaction("I", Channel.WEB, "click", when, "F"),),
        activity=(ActivityMonth("2026-06", inflow=9e9, salary=9e9),),
        kin=(KinHolding("R", "F", AS_OF),),
        memberships=(Membership("CAMPUS-1", ProgrammeKind.CAMPUS, MemberRole.STUDENT, since=AS_OF),),
        attributes={"left_on": AS_OF, **customer.attributes},
    )


MOMENT = date(2026, 5, 30)


async def features_at_the_moment(bank, customers, schema_of):
    ledger, load = bank(customers)
    then = ledger.portfolio(MOMENT)
    known = [r.with_arrays(r.fit(then), CODES) if hasattr(r, "fit") else r for r in RECOMMENDERS]
    seen = Seen(then.rows, np.zeros((0, 2), np.int32))
    schema = await sample_schema(bank(schema_of)[1], ledger, RECOMMENDERS, AS_OF)
    drawn = draw(len(customers), len(CODES), [seen])
    return await read_examples(load, ledger, schema, drawn, [Past(MOMENT, tuple(known))], lambda _: None)


async def test_nothing_that_came_after_the_moment_is_in_its_features(bank, opens):
    customers = opens(800, any_of, attributes=lambda _, n: {"left_on": date(2026, 1, 1 + n % 20)} if n % 2 else {})
    changed = [later_facts(customer) if not customer.attributes else customer for customer in customers]

    before, after = [await features_at_the_moment(bank, people, changed) for people in (customers, changed)]

    assert len(before.features) == 800
    assert any(a.holdings != b.holdings for a, b in zip(customers, changed, strict=True))
    assert before.features.customers.tobytes() == after.features.customers.tobytes()
    for name, values in before.features.pairs.items():
        assert values.tobytes() == after.features.pairs[name].tobytes(), name


async def test_a_request_has_the_features_of_a_batch_to_the_bit(bank, opens):
    customers = opens(
        1_000, any_of, region=lambda dice, _: f"R{dice.integers(9)}", income=lambda dice, _: dice.random()
    )
    ledger, model = await taught(bank, customers)
    recommenders, schema = model.apply(RECOMMENDERS), model.ranker.schema

    def features(people):
        batch = Batch.of(people, ledger.catalogue, Context(today=AS_OF))
        return extract(schema, batch, proposals(recommenders, batch))

    whole = features(customers)
    for row, customer in enumerate(customers):
        alone = features([customer])
        assert alone.customers.tobytes() == whole.customers[row].tobytes()
        for name, values in alone.pairs.items():
            assert values.tobytes() == whole.pairs[name][row].tobytes(), (name, customer)


async def test_a_request_has_the_propensities_of_a_batch(bank, opens):
    customers = opens(1_500, any_of, region=lambda dice, _: f"R{dice.integers(9)}")
    ledger, model = await taught(bank, customers)

    whole = propensities(ledger, model, customers)
    alone = np.concatenate([propensities(ledger, model, [customer]) for customer in customers[:100]])

    assert np.allclose(alone, whole[:100], rtol=1e-4, equal_nan=True)


async def test_two_trainings_give_the_same_ranker(bank, opens):
    customers = opens(1_500, any_of, region=lambda dice, _: f"R{dice.integers(9)}")
    (_, first), (_, second) = [await taught(bank, customers) for _ in range(2)]

    assert first.ranker.pairs.text == second.ranker.pairs.text
    assert first.ranker.counts.text == second.ranker.counts.text
    assert first.ranker.choice.weights.tobytes() == second.ranker.choice.weights.tobytes()
    assert first.ranker.stack == second.ranker.stack


class Oracle:
    """Knows who takes F."""

    name, version = "oracle", "1"

    def propose(self, batch):
        knows = np.array([[customer.attributes["knows"]] for customer in batch.customers], np.float32)
        scores = np.full(batch.shape, np.nan, np.float32)
        scores[:, [-1]] = knows
        return Candidates(scores, lambda *_: None)


class Silent(Oracle):
    name = "silent"

    def propose(self, _):
        raise Omitted(self.name, "is silent")


class Unfit(Als):
    def fit(self, _):
        raise ZeroDivisionError


async def test_a_plugins_own_score_is_a_feature(bank, opens, person):
    def choose(dice, own, *_):
        return "F" if own["attributes"]["knows"] > 0.5 and dice.random() < 0.9 else any_of(dice)

    ledger, load = bank(opens(3_000, choose, attributes=lambda dice, _: {"knows": float(dice.random())}))
    every = (*RECOMMENDERS, Oracle(), Silent())
    model = (await learn(ledger, load, every, AS_OF, protected=["knows"])).model
    batch = Batch.of([person("X", attributes={"knows": k}) for k in (0.1, 0.9)], ledger.catalogue, Context(today=AS_OF))

    found = model.ranker.propensities(batch, proposals(model.apply(every), batch))

    assert "own:knows" not in model.ranker.schema.names
    assert [CODES[column] for column in np.argmax(found, axis=1)] == ["A", "F"]
    assert "silent" in model.ranker.schema.recommenders


async def test_more_of_what_reasons_rest_on_never_lowers_a_propensity(bank, opens):
    def choose(dice, own, *_):
        """Nothing that relatives hold, and nothing that the oracle says."""
        disliked = {own["kin"][0].product_code} | ({"F"} if own["attributes"]["knows"] > 0.5 else set())
        return str(dice.choice([code for code in CODES if code not in disliked]))

    customers = opens(
        2_000,
        choose,
        kin=lambda dice, _: (KinHolding("R", str(dice.choice(CODES)), date(2020, 1, 1)),),
        attributes=lambda dice, _: {"knows": float(dice.random())},
    )
    ledger, load = bank(customers)
    every = (*RECOMMENDERS, Oracle())
    model = (await learn(ledger, load, every, AS_OF, protected=["knows"])).model
    ranker = replace(model.ranker, stack={"logit": 0.5, "boosting": 0.5})
    batch = Batch.of(customers[:300], ledger.catalogue, Context(today=AS_OF))
    features = extract(ranker.schema, batch, proposals(model.apply(every), batch))
    before = ranker.of_features(features)

    for name in ("kin", *(f"score:{recommender.name}" for recommender in every)):
        for column in range(len(CODES)):
            for more in (0.01, 0.3, 2):
                values = features.pairs[name].copy()
                values[:, column] = np.maximum(np.nan_to_num(values[:, column]), 0) + more
                after = ranker.of_features(replace(features, pairs={**features.pairs, name: values}))
                assert not (after[:, column] < before[:, column] * (1 - 1e-5)).any(), (name, column, more)


async def test_a_recommender_that_cannot_learn_is_left_out_and_told_of(bank, opens, caplog):
    ledger, load = bank(opens(300, any_of))

    model = (await learn(ledger, load, (Unfit(name="unfit"), Popularity()), AS_OF)).model

    assert list(model.arrays) == ["popularity"]
    assert model.ranker.schema.recommenders == ("popularity",)
    assert "unfit learnt nothing" in caplog.text


@pytest.mark.parametrize("count", [1, 3, 40])
async def test_few_customers_are_ranked_by_popularity(bank, opens, count):
    _, model = await taught(bank, opens(count, lambda dice, *_: any_of(dice)))

    assert dict(model.ranker.stack) == {"popularity": 1.0}
    assert model.ranker.choice is None


async def test_one_product_can_be_learnt(bank, opens):
    ledger, load = bank(opens(500, lambda *_: "A"), codes=("A",))

    model = (await learn(ledger, load, RECOMMENDERS, AS_OF)).model

    assert model.ranker.schema.product_codes == ("A",)


async def test_where_nobody_holds_anything_there_is_no_ranker(bank, person):
    _, model = await taught(bank, [person(f"C{number}") for number in range(50)])

    assert model.ranker is None


async def test_odd_columns_and_days_are_learnt_from_all_the_same(bank, opens):
    odd = {
        "attributes": lambda _, n: {
            "constant": 1,
            "own_word": f"W{n}",
            "never": date(2999, 1, 1 + n % 20),
            "huge": 1e30 * n,
        },
        "birth_date": lambda _, n: date(2030, 1, 1) if n % 3 else None,
        "joined_on": lambda _, n: date(2030, 1, 1) if n % 2 else date(1990, 1, 1),
    }
    customers = opens(1_500, any_of, **odd)
    same_day = [
        replace(c, holdings=tuple(replace(h, closed_on=h.opened_on) for h in c.holdings)) for c in customers[::5]
    ]
    customers[::5] = same_day

    ledger, model = await taught(bank, customers)

    found = propensities(ledger, model, customers)
    assert np.isfinite(found[~np.isnan(found)]).all()
    assert ((found > 0) & (found < 1))[~np.isnan(found)].all()


@pytest.fixture
def engine():
    """Return a function: the engine of a model, over a catalogue that may have changed since."""

    def make(model, known, *more):
        every = (*model.apply(RECOMMENDERS), *more)
        return Engine(known, every, DEFAULT_GATES, calibration=model.calibration, ranker=model.ranker)

    return make


@pytest.mark.parametrize("sold", [0, 1, 2])
async def test_a_product_launched_last_week_has_a_small_chance_and_is_offered(
    bank, opens, product, person, engine, context, sold
):
    launched = product("F", active_from=AS_OF - timedelta(days=6))
    customers = opens(1_500, lambda dice, *_: str(dice.choice(CODES[:-1])))
    customers[:sold] = [
        replace(c, holdings=(*c.holdings, Holding("F", AS_OF - timedelta(days=3)))) for c in customers[:sold]
    ]
    ledger, load = bank(customers, (*CODES[:-1], launched))
    model = (await learn(ledger, load, RECOMMENDERS, AS_OF)).model

    found = propensities(ledger, model, customers)
    [answer] = engine(model, ledger.catalogue).answer([person("X")], context(top=6))

    new = found[sold:, -1]
    assert (new > 0).all()
    assert new.mean() < 0.2 * np.nanmean(found[:, :-1])
    assert [offer.product.product_code for offer in answer.offers][-1] == "F"
    assert len(answer.offers) == 6


async def test_a_product_launched_after_training_is_answered_by_recommenders_alone(
    bank, opens, catalogue, product, person, engine, context
):
    _, model = await taught(bank, opens(1_500, any_of))
    customer, later = person("X", attributes={"knows": 0.5}), catalogue(*CODES, product("G", category="service"))

    [without] = engine(model, later).answer([customer], context(top=7))
    [answer] = engine(model, later, Oracle()).answer([customer], context(top=7))
    decision = engine(model, later, Oracle()).decide(customer, "G", context())

    offers = {offer.product.product_code: offer for offer in answer.offers}
    plain = {offer.product.product_code: offer for offer in without.offers}
    assert offers.keys() == plain.keys() == {*CODES, "G"}
    assert plain["G"].recommenders == ("popularity",)
    assert 0 < plain["G"].propensity < offers["G"].propensity
    assert offers["G"].recommenders == ("oracle", "popularity")
    assert offers["G"].propensity == pytest.approx(0.5 * PRIOR_PROPENSITY)
    assert "by oracle (prior" in str(decision.trace)
    assert all(offers[code].propensity == plain[code].propensity for code in CODES)


async def test_where_every_recommender_is_left_out_the_ranker_answers_alone(bank, opens, person, context):
    ledger, model = await taught(bank, opens(40, any_of))
    alone = Engine(ledger.catalogue, [Silent()], DEFAULT_GATES, ranker=model.ranker)

    [answer] = alone.answer([person("X", ["B"])], context(top=6))
    decision = alone.decide(person("X", ["B"]), "A", context())

    assert {offer.product.product_code for offer in answer.offers} == set(CODES) - {"B"}
    assert all(offer.score == offer.propensity > 0 and offer.recommenders == () for offer in answer.offers)
    assert answer.omitted == ("silent",)
    assert decision.offered
    assert "by the ranker" in str(decision.trace)


async def test_a_column_of_50_000_words_is_learnt_in_bounded_space(bank, opens, person, tmp_path):
    def word(dice, number):
        return {"code": f"W{dice.integers(400)}" if number % 2 else f"W{400 + number}"}

    holders = opens(2_000, any_of, attributes=word)
    idle = [person(f"I{number}", attributes={"code": f"I{number}"}) for number in range(49_000)]
    ledger, model = await taught(bank, [*holders, *idle])
    path = save(tmp_path, model)

    schema, choice = model.ranker.schema, model.ranker.choice
    strangers = [person("X", attributes={"code": code}) for code in ("NEW", "NEWER")]
    features = extract(schema, Batch.of(strangers, ledger.catalogue, Context(today=AS_OF)), {})
    plain = replace(schema, words={name: words for name, words in schema.words.items() if name != "own:code"})
    widths = [indicators(known, features, choice.edges).shape[1] for known in (schema, plain)]
    found = propensities(ledger, load_current(tmp_path), strangers)
    assert len(schema.words["own:code"]) == MOST_WORDS
    assert widths[0] - widths[1] <= MOST_INDICATORS + 1
    assert len(re.findall(r'"[IW]\d+"', (path / "manifest.json").read_text())) <= MOST_WORDS
    assert ((found > 0) & (found < 1)).all()
    assert found[0].tobytes() == found[1].tobytes()


async def test_a_ranker_comes_back_from_disk_as_it_was(bank, opens, tmp_path):
    customers = opens(1_500, any_of, attributes=lambda dice, _: {"group": str(dice.choice(["a", "b"]))})
    ledger, model = await taught(bank, customers)

    save(tmp_path, model)
    back = load_current(tmp_path)

    assert back.ranker.schema == model.ranker.schema
    assert back.ranker.card == model.ranker.card
    assert back.card.ablation == model.card.ablation is not None
    found, kept = propensities(ledger, back, customers), propensities(ledger, model, customers)
    assert found.tobytes() == kept.tobytes()


async def test_a_ranker_that_learnt_other_features_is_not_read(bank, opens, tmp_path):
    _, model = await taught(bank, opens(300, any_of))
    path = save(tmp_path, model) / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["ranker"]["layout"] -= 1
    path.write_text(json.dumps(manifest))

    with pytest.raises(ModelError, match=r"made other features.*run guanxi train"):
        load_current(tmp_path)


@pytest.mark.parametrize("file", ["pairs.txt", "counts.txt", "ranker.npz"])
async def test_a_broken_part_of_the_ranker_breaks_the_model(bank, opens, tmp_path, file):
    _, model = await taught(bank, opens(1_200, any_of))
    path = save(tmp_path, model) / file
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(ModelError, match="run guanxi train"):
        load_current(tmp_path)
