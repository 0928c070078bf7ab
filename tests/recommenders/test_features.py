import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from graph.errors import ModelError
from graph.records import ActivityMonth, Holding, Interaction, KinHolding, Outcome
from graph.words import Channel, Gender, OutcomeKind
from recommenders.features import Features, FeatureSchema, changes, extract, learn_schema
from recommenders.view import CustomerView

TODAY = date(2026, 6, 30)


def ago(days):
    return TODAY - timedelta(days=days)


@pytest.fixture
def schema():
    """Return a function: the schema of customers."""

    def make(*customers, codes=("CARD", "SAVE"), **options):
        views = [CustomerView(customer, TODAY) for customer in customers]
        return learn_schema(views, codes, options.pop("recommenders", ()), **options)

    return make


@pytest.fixture
def features(batch, catalogue, schema):
    """Return a function: one customer's features, by name; ``pairs`` by product too."""

    def make(customer, known=None, scores=None, codes=("CARD", "SAVE")):
        found = extract(known or schema(customer, codes=codes), batch([customer], catalogue(*codes)), scores or {})
        named = dict(zip((known or schema(customer, codes=codes)).names, found.customers[0].tolist(), strict=True))
        return named | {name: values[0].tolist() for name, values in found.pairs.items()}

    return make


def test_holdings_and_their_changes(person, features):
    found = features(person(holdings=(
        Holding("CARD", ago(400)),
        Holding("SAVE", ago(80), ago(20)),
        Holding("SAVE", ago(900), ago(500)),
        Holding("OTHER"),
        Holding("SAVE", ago(-5)),
    )))  # fmt: skip

    assert (found["held"], found["ever"], found["undated"]) == (2, 4, 1)
    assert [found[f"opened_{months}"] for months in (1, 3, 12)] == [0, 1, 1]
    assert [found[f"closed_{months}"] for months in (1, 3, 12)] == [1, 1, 1]
    assert found["since_first_opening"] == pytest.approx(900 / 30.4375)
    assert found["since_closing"] == pytest.approx(20 / 30.4375)
    assert (found["holds"], found["times"]) == ([1, 0], [1, 2])
    assert found["since_opened"] == pytest.approx([400 / 30.4375, np.nan], nan_ok=True)
    assert found["since_closed"] == pytest.approx([np.nan, 20 / 30.4375], nan_ok=True)


def test_what_a_balance_says_now_is_no_feature(person, features):
    rich, poor = (person(holdings=(Holding("CARD", ago(400), None, balance),)) for balance in (9e6, -9e6))

    assert str(features(rich)) == str(features(poor))


def test_activity_of_the_last_months(person, features):
    months = [ActivityMonth(f"2026-0{month}", inflow=100.0 * month, salary=None) for month in range(1, 6)]

    found = features(person(activity=(*months, ActivityMonth("2026-06", inflow=9e9))))

    assert (found["inflow_last"], found["inflow_3"], found["inflow_12"]) == (500, 400, 300)
    assert (found["since_activity"], found["salary_months"]) == (1, 0)
    assert np.isnan(found["salary_12"])


def test_contacts_count_by_channel_kind_and_product(person, features):
    def contact(key, days, kind, product_code=None, channel=Channel.WEB):
        return Interaction(key, channel, kind, datetime(2026, 6, 30, tzinfo=UTC) - timedelta(days=days), product_code)

    customer = person(
        interactions=(
            contact("1", 10, "click", "CARD"),
            contact("2", 200, "click", "CARD", Channel.BRANCH),
            contact("3", 500, "visit"),
            contact("4", -3, "visit", "SAVE"),
        ),
        outcomes=(Outcome("O1", "SAVE", OutcomeKind.IMPRESSION, Channel.MOBILE, datetime(2026, 6, 29, tzinfo=UTC)),),
    )

    found = features(customer)

    assert (found["contacts_3"], found["contacts_12"]) == (2, 3)
    assert (found["contacts_web"], found["contacts_branch"], found["contacts_mobile"]) == (1, 1, 1)
    assert (found["contacts:click"], found["contacts:visit"]) == (2, 0)
    assert found["contacts"] == [2, 1]
    assert found["since_contact"] == pytest.approx([10 / 30.4375, 1 / 30.4375])


def test_relatives_count_from_the_day_they_are_known(person, features):
    customer = person(kin=(
        KinHolding("C2", "CARD", ago(10)),
        KinHolding("C2", "CARD", ago(90)),
        KinHolding("C3", "CARD"),
        KinHolding("C4", "CARD", ago(-1)),
        KinHolding("C5", "SAVE", ago(90), ago(1)),
    ))  # fmt: skip

    assert features(customer)["kin"] == [2, 0]


def test_every_extra_column_is_a_feature_by_its_type(person, features, schema):
    one = person(attributes={"score": 3, "segment": "top", "since": ago(61), "mixed": 1, "constant": 5, "flag": True})
    other = person(
        attributes={"score": 2.5, "segment": "low", "since": ago(-9), "mixed": "x", "constant": 5, "flag": False}
    )
    known = schema(one, one, other)

    assert (known.numbers, known.dates) == (("flag", "score"), ("since",))
    assert known.words["own:segment"] == ("top", "low")
    assert "own:mixed" in known.words
    assert not any("constant" in name for name in known.names)
    found = features(one, known)
    assert (found["own:score"], found["own:segment"], found["own:flag"]) == (3, 0, 1)
    assert found["own:since"] == pytest.approx(61 / 30.4375)
    assert np.isnan(features(other, known)["own:since"])


def test_missing_values_stay_missing_and_unknown_words_are_one(person, features, schema):
    known = schema(person(attributes={"segment": "a", "score": 1}), person(attributes={"segment": "b", "score": 2}))

    assert np.isnan(features(person(), known)["own:segment"])
    assert np.isnan(features(person(), known)["own:score"])
    assert features(person(attributes={"segment": "new"}), known)["own:segment"] == 2
    assert features(person(attributes={"segment": "newer"}), known)["own:segment"] == 2


def test_a_column_whose_type_changed_is_unknown_and_told_of_once(person, features, schema, caplog):
    known = schema(person(attributes={"score": 1}), person(attributes={"score": 2}))

    for _ in range(2):
        assert np.isnan(features(person(attributes={"score": "high"}), known)["own:score"])

    assert known.surprises == {"score"}
    assert len(caplog.records) == 1
    assert "score" in caplog.text


def test_protected_columns_are_in_no_feature(person, schema):
    people = [person(gender=gender, attributes={"tribe": tribe, "score": 1 if tribe == "x" else 2}, income=1)
              for gender, tribe in ((Gender.FEMALE, "x"), (Gender.MALE, "y"))]  # fmt: skip

    assert {"gender", "own:tribe", "income"} <= set(schema(*people).names)
    assert not {"gender", "own:tribe", "income"} & set(schema(*people, protected=("gender", "tribe", "income")).names)


def test_what_is_made_of_a_protected_column_is_shut_out_with_it(person, schema):
    assert {"age", "tenure"} <= set(schema(person()).names)
    assert not {"age", "tenure"} & set(schema(person(), protected=("birth_date", "joined_on")).names)


def test_a_protected_column_that_no_customer_has_is_told_of(person, schema):
    with pytest.raises(ModelError, match=r"GUANXI_PROTECTED.*: gendr"):
        schema(person(gender=Gender.MALE), protected=("gendr",))


def test_scores_are_aligned_to_the_products_of_training(person, batch, catalogue, schema):
    known = schema(person(), codes=("CARD", "GONE", "SAVE"), recommenders=("als", "silent"))
    scores = np.array([[0.1, 0.2, 0.3]], np.float32)

    found = extract(known, batch([person(holds=["NEW"])], catalogue("CARD", "NEW", "SAVE")), {"als": scores})

    assert found.pairs["score:als"] == pytest.approx(np.array([[0.1, np.nan, 0.3]]), nan_ok=True)
    assert np.isnan(found.pairs["score:silent"]).all()
    assert found.pairs["holds"].tolist() == [[0, 0, 0]]


def test_a_schema_survives_being_told_as_json(person, schema):
    known = schema(
        person(attributes={"segment": "a", "since": ago(3)}), person(attributes={"segment": "银", "since": ago(9)}),
        recommenders=("als",), protected=("gender",),
    )  # fmt: skip

    assert FeatureSchema.from_json(json.loads(json.dumps(known.as_json()))) == known


def test_every_column_is_in_one_group(person, batch, catalogue, schema):
    people = [
        person(
            attributes={"score": number, "segment": f"S{number}", "since": ago(61 + number)},
            region=f"R{number}",
            interactions=(Interaction("1", Channel.WEB, "click", datetime(2026, 6, 1, tzinfo=UTC)),),
        )
        for number in range(2)
    ]
    known = schema(*people, recommenders=("als", "silent"), seasonal=True)

    found = extract(known, batch(people, catalogue("CARD", "SAVE")), {})

    grouped = [name for columns in known.groups.values() for name in columns]
    assert sorted(grouped) == sorted([*known.names, *found.pairs])
    assert known.groups["own columns"] == ("own:score", "own:since", "own:segment")
    assert known.groups["relations"] == ("relations", "kin")
    assert known.groups["score:als"] == ("score:als",)
    assert {"season", "contacts"} <= set(known.groups)
    assert "season" not in schema(*people).groups


def test_no_customers_have_no_features(batch, catalogue, schema, person):
    known = schema(person(attributes={"a": "x"}), person(attributes={"a": "y"}))

    found = extract(known, batch([], catalogue("CARD", "SAVE")), {})

    assert found.customers.shape == (0, len(known.names))
    assert Features.joined([found, found]).pairs["holds"].shape == (0, 2)


def test_a_column_that_changed_its_type_is_gone_or_is_new_is_told_of(person):
    def schema(*attributes):
        customers = [CustomerView(person(attributes=own), TODAY) for own in attributes]
        return learn_schema(customers, ("A",), ())

    before = schema(
        {"points": 1.0, "code": "x", "left": 1, "same": "a"}, {"points": 2.0, "code": "y", "left": 2, "same": "b"}
    )
    after = schema(
        {"points": "1", "code": 1, "fresh": "n", "same": "a"}, {"points": "2", "code": 2, "fresh": "o", "same": "c"}
    )

    assert changes(before, before) == []
    assert changes(before, after) == [
        "column code held words and now holds numbers: it counts as unknown",
        "column points held numbers and now holds words: it counts as unknown",
        "column left is gone, or always the same now",
        "column fresh is new: no feature is made of it",
    ]
