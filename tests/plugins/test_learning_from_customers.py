"""A plugin that makes features of frames, the whole way: trained, saved, read, and asked."""

from datetime import date, timedelta

import numpy as np
import pytest

from graph.records import ActivityMonth, Holding
from plugins.host import PluginHost
from plugins.isolation.modes import Isolation
from recommenders.artefact import load_current, save
from recommenders.known_customers import read_customers
from recommenders.portfolio import Ledger
from recommenders.training import learn

TODAY = date(2026, 6, 30)
EARNERS = """
from dataclasses import dataclass
import numpy as np
import polars as pl
from guanxi import About, Candidates, hookimpl

SEEN = []

def incomes(batch):
    SEEN.append(batch.frames.customers)
    salaries = batch.frames.activity.group_by("row").agg(pl.col("salary").first())
    return batch.frames.customers.join(salaries, on="row", how="left", maintain_order="left")["salary"].fill_null(0)

@dataclass(frozen=True)
class Earners:
    name: str = "earners"
    version: str = "1"
    mean: float = 0.0

    learns_from_customers = True

    def fit(self, portfolio):
        return {"mean": np.array([incomes(portfolio.batch).mean()])}

    def with_arrays(self, arrays, product_codes):
        return Earners(mean=float(arrays["mean"][0]))

    def propose(self, batch):
        scores = np.tile(1 / (1 + np.exp(self.mean - incomes(batch).to_numpy()))[:, None], batch.shape[1])
        return Candidates(scores.astype(np.float32), lambda row, column: None)

@hookimpl
def about():
    return About(permissions=("activity", "holdings"))

@hookimpl
def recommenders(register):
    register(Earners())
"""


@pytest.fixture
def bank(catalogue, person):
    """The ledger of 60 customers, of whom each has a salary of his own, and what reads them."""
    ledger, records = Ledger(catalogue("A", "B")), {}
    for number in range(60):
        held = Holding("AB"[number % 2], TODAY - timedelta(days=10 * number))
        months = (ActivityMonth("2024-01", salary=number / 10),)
        own = person(f"C{number:02}", holdings=(held,), income=7.0, activity=months)
        records[own.customer_no] = own
        ledger.add({
            "customer_no": own.customer_no, "kind": own.kind, "joined_on": None, "memberships": [], "relations": [],
            "holdings": [(held.product_code, held.opened_on, None)],
        })  # fmt: skip

    async def load(numbers):
        return [records[number] for number in numbers]

    return ledger, load


@pytest.fixture(params=["thread", "process"])
def host(request, plugin_folder):
    made = PluginHost.load([plugin_folder(earners=EARNERS)], isolation=Isolation(request.param))
    yield made
    made.close()


def own(host):
    return [recommender for recommender in host.recommenders() if recommender.name == "earners"]


async def test_it_answers_the_same_from_the_model_that_was_saved(host, bank, batch, tmp_path):
    ledger, load = bank
    trained = await learn(ledger, load, own(host), TODAY, guard=host.recommending.guard)
    save(tmp_path, trained.model)
    asked = batch(await load(["C00", "C15", "C59"]), ledger.catalogue)

    [before] = trained.model.apply(own(host))
    [after] = load_current(tmp_path).apply(own(host))

    scores = before.propose(asked).scores
    assert scores[:, 0] == pytest.approx(1 / (1 + np.exp(2.95 - np.array([0.0, 1.5, 5.9]))))
    assert np.array_equal(after.propose(asked).scores, scores)


async def test_in_training_too_it_sees_what_its_permissions_cover(plugin_folder, bank):
    ledger, load = bank
    host = PluginHost.load([plugin_folder(earners=EARNERS)])
    [recommender] = own(host)
    customers = await read_customers(load, ledger, [recommender])

    recommender.fit(customers.beside(ledger.portfolio(TODAY)))

    [narrowed] = recommender.sight.portfolio(customers.beside(ledger.portfolio(TODAY))).make_batch.__closure__
    assert all(customer.customer_no.startswith("~") for customer in narrowed.cell_contents.customers)
    [plugin] = [loaded.plugin for loaded in host.loaded if loaded.info.name == "earners"]
    [frame] = plugin.SEEN
    assert len(frame) == 60
    assert frame["income"].null_count() == frame["age"].null_count() == 60
    assert all(number.startswith("~") for number in frame["customer_no"])
