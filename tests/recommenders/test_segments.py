"""Banks of planted groups: the groups are found, named, kept by the next training, and given to new customers."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from graph.errors import ModelError
from graph.records import ActivityMonth, Holding
from graph.words import CustomerKind, Language
from recommenders.artefact import load_current, save
from recommenders.popularity import Popularity
from recommenders.telling import insights
from recommenders.training import learn

AS_OF = date(2026, 6, 30)
GROUPS = {
    "students": {"income": 800.0, "age": 20, "holds": "A", "salary": 0.0},
    "families": {"income": 9_000.0, "age": 40, "holds": "ABCD", "salary": 8_000.0},
    "pensioners": {"income": 3_000.0, "age": 70, "holds": "AF", "salary": 0.0},
}


@pytest.fixture
def member(person):
    """Return a function: a customer of a planted group."""

    def make(number, group, dice):
        traits = GROUPS[group]
        noise = float(dice.lognormal(0, 0.15))
        paid = traits["salary"] * noise
        month = ActivityMonth("2026-05", traits["income"] * noise + paid, 500.0, paid, 10, 0.0, traits["income"])
        held = [
            Holding(code, date(2025, 1 + int(dice.integers(12)), 1 + int(dice.integers(28))))
            for code in traits["holds"]
        ]
        return person(
            f"C{number:04}",
            birth_date=date(2026 - traits["age"] + int(dice.integers(-3, 4)), 5, 1),
            income=traits["income"] * noise,
            holdings=tuple(held),
            activity=(month,),
            attributes={"luck": float(dice.random())},
        )

    return make


@pytest.fixture
def crowd(member):
    """Return a function: so many customers of each group, and the groups' names beside them."""

    def make(seed=1, **counts):
        dice = np.random.default_rng(seed)
        names = [group for group, count in counts.items() for _ in range(count)]
        return [member(number, group, dice) for number, group in enumerate(names)], names

    return make


@pytest.fixture
def taught(bank):
    async def teach(customers, before=None):
        ledger, load = bank(customers)
        return ledger, (await learn(ledger, load, (Popularity(),), AS_OF, live=before)).model

    return teach


def codes(model, ledger, customers):
    return [told.segment and told.segment.code for told in insights(model, ledger.catalogue, customers, AS_OF)]


async def test_planted_groups_are_found_and_told_apart_in_words(crowd, taught):
    customers, names = crowd(students=150, families=120, pensioners=90)
    ledger, model = await taught(customers)

    found = codes(model, ledger, customers)
    card = model.ranker.card["segments"]

    assert adjusted_rand_score(names, found) > 0.97
    assert card["segments"] == 3
    assert card["tried"]["3"]["stability"] > 0.95
    assert [segment.code for segment in model.segments.described] == ["S1", "S2", "S3"]
    assert [segment.share for segment in model.segments.described] == pytest.approx([150 / 360, 1 / 3, 0.25], abs=0.02)
    pensioners = model.segments.described[2]
    english = [text[Language.EN] for text in pensioners.profile]
    assert "holding F: 100%, the bank's share is 25%" in english
    assert any(text.startswith(("age: 69", "age: 70")) for text in english)
    assert "持有F：100%，全行25%" in [text[Language.ZH] for text in pensioners.profile]
    assert not any("luck" in text for segment in model.segments.described for text in map(str, segment.profile))


async def test_a_new_customer_is_given_the_segment_of_those_like_him(crowd, taught, person):
    customers, names = crowd(students=150, families=120, pensioners=90)
    ledger, model = await taught(customers)
    strangers, theirs = crowd(seed=8, students=5, families=5, pensioners=5)
    of_group = dict(zip(names, codes(model, ledger, customers), strict=True))

    assert codes(model, ledger, strangers) == [of_group[name] for name in theirs]
    assert codes(model, ledger, [person("BARE")])[0] in {"S1", "S2", "S3"}
    gone = replace(strangers[0], holdings=(Holding("A", date(2025, 1, 1), date(2026, 1, 1)),))
    assert codes(model, ledger, [gone]) == [None]


async def test_segments_keep_code_and_name_when_sizes_change(crowd, taught):
    customers, names = crowd(students=150, families=120, pensioners=90)
    ledger, model = await taught(customers)
    others, their_names = crowd(seed=5, students=90, families=120, pensioners=200)

    later_ledger, alone = await taught(others)
    _, later = await taught(others, before=model)

    before = dict(zip(names, codes(model, ledger, customers), strict=True))
    assert dict(zip(their_names, codes(later, later_ledger, others), strict=True)) == before
    assert dict(zip(their_names, codes(alone, later_ledger, others), strict=True)) != before
    assert {s.code: s.name for s in later.segments.described} == {s.code: s.name for s in model.segments.described}


async def test_a_group_that_was_not_there_takes_a_number_that_was_not_in_use(crowd, taught):
    customers, _ = crowd(students=150, families=120)
    _, model = await taught(customers)
    more, names = crowd(seed=5, students=150, families=120, pensioners=200)

    ledger, later = await taught(more, before=model)

    assert [s.code for s in model.segments.described] == ["S1", "S2"]
    assert dict(zip(names, codes(later, ledger, more), strict=True))["pensioners"] == "S3"


async def test_no_group_under_twenty_is_described(crowd, taught):
    customers, _ = crowd(students=150, families=12)

    _, model = await taught(customers)

    described = model.segments.described if model.segments else ()
    assert all(segment.share * len(customers) >= 20 for segment in described)


async def test_where_all_are_alike_there_are_no_segments(taught, person):
    dice = np.random.default_rng(2)
    customers = [
        person(f"C{number:04}", holds="A", attributes={f"x{column}": float(dice.normal()) for column in range(25)})
        for number in range(400)
    ]

    ledger, model = await taught(customers)

    assert model.segments is None
    assert model.ranker.card["segments"]["why_none"] == "no number of groups is stable"
    assert codes(model, ledger, customers[:1]) == [None]


async def test_few_customers_are_no_segments(crowd, taught):
    customers, _ = crowd(students=20, families=10)

    _, model = await taught(customers)

    assert model.segments is None
    assert model.ranker.card["segments"] == {"why_none": "30 customers; 40 are needed"}


async def test_firms_are_told_from_persons(crowd, taught, person):
    customers, _ = crowd(students=150)
    firms = [person(f"F{n}", kind=CustomerKind.COMPANY, birth_date=None, income=None,
                    holdings=(Holding("E", date(2025, 1 + n % 12, 1 + n % 28)),)) for n in range(60)]  # fmt: skip

    ledger, model = await taught([*customers, *firms])

    assert set(codes(model, ledger, firms)).isdisjoint(codes(model, ledger, customers))


async def test_they_are_told_in_languages_just_learnt_and_from_disk(crowd, taught, tmp_path):
    _, model = await taught(crowd(students=150, families=120)[0])
    save(tmp_path, model)

    for segments in (model.segments, load_current(tmp_path).segments):
        texts = [text for one in segments.described for text in (one.name, *one.profile)]
        assert {type(language) for text in texts for language in text} == {Language}


async def test_they_come_back_from_disk_and_a_model_without_them_still_loads(crowd, taught, tmp_path):
    customers, _ = crowd(students=150, families=120)
    ledger, model = await taught(customers)
    path = save(tmp_path / "with", model)
    save(tmp_path / "without", replace(model, churn=None, demand=None, segments=None))

    again, without = load_current(tmp_path / "with"), load_current(tmp_path / "without")

    assert insights(again, ledger.catalogue, customers, AS_OF) == insights(model, ledger.catalogue, customers, AS_OF)
    assert again.segments.described == model.segments.described
    assert codes(without, ledger, customers[:1]) == [None]
    manifest = json.loads((path / "manifest.json").read_text())
    older = {name: value for name, value in manifest.items() if name not in {"churn", "demand", "segments"}}
    (path / "manifest.json").write_text(json.dumps(older))
    assert load_current(tmp_path / "with").segments is None
    (path / "manifest.json").write_text(json.dumps(manifest))
    file = path / "segments.centres.npz"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(ModelError, match="run guanxi train"):
        load_current(tmp_path / "with")
