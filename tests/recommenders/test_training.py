from datetime import UTC, date, datetime

import numpy as np
import pytest

from graph import products
from graph.errors import ModelError
from loaders.bank_directory import BankDirectory
from loaders.importing import load_bank
from plugins.samples import write_sample
from recommenders.als import Als
from recommenders.cohorts import Cohorts
from recommenders.popularity import Popularity
from recommenders.rules import LifecycleRules
from recommenders.training import train

RECOMMENDERS = (Als(), Cohorts(), Popularity(), LifecycleRules())
AS_OF = date(2025, 6, 30)
FORGET = (
    "MATCH ()-[h:HOLDS]->() WHERE h.opened_on > $as_of DELETE h",
    "MATCH ()-[h:HOLDS]->() WHERE h.closed_on > $as_of REMOVE h.closed_on",
    "MATCH ()-[m:MEMBER_OF]->() WHERE m.since > $as_of DELETE m",
    "MATCH ()-[m:MEMBER_OF]->() WHERE m.until > $as_of REMOVE m.until",
    "MATCH ()-[r:RELATED]->() WHERE r.since > $as_of DELETE r",
    "MATCH (n) WHERE n:Activity AND n.month >= $month DETACH DELETE n",
    "MATCH (n) WHERE (n:Interaction OR n:Outcome) AND n.at > $moment DETACH DELETE n",
)


@pytest.fixture
async def sample_bank(empty_store, tmp_path):
    write_sample(tmp_path / "bank", 300, 7)
    await load_bank(empty_store, BankDirectory(tmp_path / "bank"), tmp_path / "rejects.csv")
    return empty_store


@pytest.fixture
def learn(catalogue):
    """Return a function: what training learns from a store on a day."""

    async def make(store, as_of=AS_OF, **options):
        known = catalogue(*await products.catalogue(store))
        return (await train(store, known, RECOMMENDERS, as_of, **options)).model

    return make


def bits(model):
    """All that a model learnt, by name, to the bit."""
    arrays = {(name, key): array for name, own in model.arrays.items() for key, array in own.items()}
    arrays |= {(name, key): array for name, own in model.aggregates.items() for key, array in own.items()}
    for name, curve in model.calibration.curves.items():
        arrays |= {(name, "edges"): curve.edges, (name, "rates"): curve.rates}
    if model.ranker is not None:
        own = {"popularity": model.ranker.popularity, "corrections": model.ranker.corrections}
        texts = [part.text for part in (model.ranker.pairs, model.ranker.counts) if part is not None]
        own |= {
            "texts": np.array(texts, dtype=np.str_),
            **(model.ranker.choice.as_arrays() if model.ranker.choice else {}),
        }
        arrays |= {("ranker", name): array for name, array in own.items()}
    return {key: (array.dtype, array.shape, array.tobytes()) for key, array in arrays.items()}


async def test_two_trainings_on_the_same_bank_give_the_same_model(sample_bank, learn):
    first, second = await learn(sample_bank), await learn(sample_bank)

    assert bits(first) == bits(second)
    assert {name for name, _ in bits(first)} == {
        "als", "als|served", "relations", "popularity", "popularity|served", "lifecycle", "ranker", "similar", "trends"
    }  # fmt: skip
    assert (first.product_codes, first.versions) == (second.product_codes, second.versions)
    assert first.learnt_from == second.learnt_from
    assert first.as_of == AS_OF


async def test_what_happened_after_the_day_changes_nothing(sample_bank, learn):
    before = await learn(sample_bank)
    later = await sample_bank.read(
        "MATCH ()-[h:HOLDS]->() WHERE h.opened_on > $as_of RETURN count(h) AS n", as_of=AS_OF
    )
    for statement in FORGET:
        await sample_bank.write(statement, as_of=AS_OF, month="2025-06", moment=datetime(2025, 7, 1, tzinfo=UTC))

    after = await learn(sample_bank)

    assert later[0]["n"] > 50
    assert bits(after) == bits(before)
    assert after.learnt_from == before.learnt_from


async def test_what_happened_up_to_the_day_does_change_the_model(sample_bank, learn):
    before = await learn(sample_bank)
    await sample_bank.write(
        "MATCH ()-[h:HOLDS]->(p:Product {product_code: 'SALARY-ACCOUNT'}) SET h.opened_on = $as_of, h.closed_on = null",
        as_of=AS_OF,
    )

    after = await learn(sample_bank)

    assert bits(after)["als", "factors"] != bits(before)["als", "factors"]
    assert bits(after)["popularity", "shares"] != bits(before)["popularity", "shares"]


async def test_it_says_what_it_was_learnt_from(sample_bank, learn):
    facts = (
        "MATCH (c:Customer) WITH count(c) AS customers MATCH (p:Product) WITH customers, count(p) AS products "
        "MATCH ()-[h:HOLDS]->() WHERE h.opened_on <= $as_of AND (h.closed_on IS NULL OR h.closed_on > $as_of) "
        "RETURN customers, products, count(h) AS holdings, min(h.opened_on) AS first, max(h.opened_on) AS last"
    )
    [row] = await sample_bank.read(facts, as_of=AS_OF)
    [joined] = await sample_bank.read(
        "MATCH (c:Customer) WHERE c.joined_on IS NULL OR c.joined_on <= $as_of OR "
        "EXISTS {(c)-[h:HOLDS]->() WHERE h.opened_on <= $as_of} RETURN count(c) AS customers", as_of=AS_OF
    )  # fmt: skip
    read = []

    model = await learn(sample_bank, progress=lambda part, customers: read.append((part, customers)))

    told = row | joined | {"first": str(row["first"]), "last": str(row["last"])}
    assert {name: model.learnt_from[name] for name in told} == told
    assert 200 < model.learnt_from["customers"] < 300
    assert date.fromisoformat(model.learnt_from["last"]) <= AS_OF
    assert read[0] == ("portfolio", 300)
    assert read[-1][0] == "examples"
    assert model.versions == {"als": "2", "relations": "1", "popularity": "1"}
    assert len(model.product_codes) == model.learnt_from["products"]


async def test_propensities_are_learnt_from_the_openings_of_past_periods(sample_bank, learn):
    model = await learn(sample_bank)

    assert model.learnt_from["period_months"] in {1, 3, 6, 12}
    assert model.ranker.period_months == model.learnt_from["period_months"]
    for curve in model.calibration.curves.values():
        assert (curve.rates > 0).all()
        assert (curve.rates < 0.5).all()
        assert (np.diff(curve.rates) >= 0).all()


async def test_before_the_bank_had_any_customer_holding_anything_there_is_nothing_to_learn(sample_bank, learn):
    first = (await learn(sample_bank)).learnt_from["first"]
    said = f"There is nothing to learn from on 1950-01-01: the first holding is of {first}. Try another --as-of."

    with pytest.raises(ModelError, match=f"^{said}$"):
        await learn(sample_bank, date(1950, 1, 1))


async def test_an_empty_graph_cannot_be_learnt_from(empty_store, learn):
    with pytest.raises(ModelError, match="run guanxi load first"):
        await learn(empty_store)


@pytest.mark.parametrize("missing", ["Customer", "Product"])
async def test_a_graph_without_customers_or_without_products_cannot_be_learnt_from(
    empty_store, learn, tmp_path, missing
):
    write_sample(tmp_path / "bank", 5, 7)
    await load_bank(empty_store, BankDirectory(tmp_path / "bank"), tmp_path / "rejects.csv")
    await empty_store.write(f"MATCH (n:{missing}) DETACH DELETE n")

    with pytest.raises(ModelError, match="run guanxi load first"):
        await learn(empty_store)
