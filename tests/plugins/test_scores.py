"""A plugin that is told segments and scores: in a thread as in a process, alone as beside others, and in training."""

import asyncio
from datetime import date, timedelta

import numpy as np
import pytest

from graph.records import ActivityMonth, Customer, Holding
from graph.words import CustomerKind
from plugins.deciding import build_engine
from plugins.host import PluginHost
from plugins.isolation.modes import Isolation
from recommenders.artefact import load_current, save
from recommenders.catalogue import Catalogue
from recommenders.contract import Context
from recommenders.portfolio import Ledger
from recommenders.training import learn

TODAY = date(2026, 6, 30)
KEEPERS = """
import numpy as np
from guanxi import About, Candidates, Reason, Refusal, hookimpl, say

class Keepers:
    name, version = "keepers", "1"

    def propose(self, batch):
        assert not any(customer.holdings or customer.income for customer in batch.customers)
        scores = batch.frames.scores
        found = np.column_stack([
            batch.churn, [customer.scores.value.amount / 1e6 for customer in batch.customers],
            [0.0 if code is None else int(code[1:]) / 100 for code in scores["segment"]],
        ])
        assert np.array_equal(scores["churn_probability"].fill_null(np.nan).to_numpy(), batch.churn, equal_nan=True)
        return Candidates(found.astype(np.float32), lambda row, column: Reason("keepers", ("x",), say("x", "x")))

class Quiet:
    gate, code = "consent", "QUIET"

    def refuses(self, batch):
        return np.tile(np.nan_to_num(batch.churn)[:, None] > 0.05, batch.shape[1])

    def explain(self, customer, product):
        chance = f"{customer.scores.churn.probability:.6f} {customer.segment.code}"
        return Refusal("consent", "QUIET", say(chance, chance), "x")

@hookimpl
def about():
    return About(permissions=("scores", "segment"))

@hookimpl
def recommenders(register):
    register(Keepers())

@hookimpl
def gates(register):
    register(Quiet())
"""


@pytest.fixture(scope="module")
def customers():
    """Records of 600 customers, of whom a third leave half a year after their salary."""
    dice, made = np.random.default_rng(3), []
    months = [f"{year}-{number:02}" for year in (2024, 2025, 2026) for number in range(1, 13)]
    for number in range(600):
        leaves, day = dice.random() < 0.35, TODAY - timedelta(days=int(dice.integers(1, 500)))
        paid, last = f"{day - timedelta(days=150 if leaves else -999):%Y-%m}", f"{day if leaves else TODAY:%Y-%m}"
        active = [ActivityMonth(own, 100.0, 90.0, 5_000.0 * (own <= paid), 9) for own in months if own <= last]
        closed = day if leaves else None
        second = date(2024, 2, 1) if leaves else TODAY - timedelta(days=int(dice.integers(0, 900)))
        made.append(
            Customer(
                f"C{number:03}",
                CustomerKind.PERSON,
                birth_date=date(1950 + 40 * int(dice.integers(2)), 1, 1),
                income=float(number),
                marketing_consent=True,
                holdings=(Holding("A", date(2024, 1, 1), closed), Holding("B", second, closed)),
                activity=tuple(active),
            )
        )
    return made


@pytest.fixture
def bank(customers, product):
    ledger = Ledger(Catalogue([product(code, margin=100.0) for code in "ABC"]))
    by_number = {own.customer_no: own for own in customers}
    for own in customers:
        ledger.add({
            "customer_no": own.customer_no, "kind": own.kind, "joined_on": None, "memberships": [], "relations": [],
            "holdings": [(one.product_code, one.opened_on, one.closed_on) for one in own.holdings],
        })  # fmt: skip

    async def load(numbers):
        return [by_number[number] for number in numbers]

    return ledger, load


def engine_of(folder, ledger, model, isolation="thread"):
    host = PluginHost.load([folder], isolation=Isolation(isolation))
    return host, build_engine(ledger.catalogue, host, model)


def scores(engine, records):
    ranking = engine.rank(records, Context(TODAY))
    assert ranking.omitted == ()
    return ranking.proposed["keepers"].scores, ranking.refused


async def test_it_is_told_the_same_in_a_process_and_a_thread_alone_and_beside_others_and_after_the_model_was_saved(
    plugin_folder, bank, customers, tmp_path
):
    ledger, load = bank
    folder = plugin_folder(keepers=KEEPERS)
    own = PluginHost.load([folder])
    model = (await learn(ledger, load, own.recommenders(), TODAY, guard=own.recommending.guard)).model
    assert "keepers" in model.calibration.curves  # it fails where it is told of no worth
    save(tmp_path, model)

    found = {}
    for isolation in ("thread", "process"):
        host, engine = engine_of(folder, ledger, load_current(tmp_path), isolation)
        try:
            found[isolation], refused = await asyncio.to_thread(scores, engine, customers[:60])
            alone = [await asyncio.to_thread(scores, engine, [own]) for own in customers[:20]]
            row = int(np.flatnonzero(refused[-1][:, 0])[0])
            [told] = [r for r in engine.decide(customers[row], "C", Context(TODAY)).refusals if r.code == "QUIET"]
        finally:
            host.close()
        assert np.array_equal(np.concatenate([one for one, _ in alone]), found[isolation][:20], equal_nan=True)
        assert told.text["en"].split()[0] == f"{found[isolation][row, 0]:.6f}"

    assert np.array_equal(found["thread"], found["process"], equal_nan=True)
    chances, segments = found["thread"][:, 0], found["thread"][:, 2]
    assert len(np.unique(chances[~np.isnan(chances)])) > 5
    assert len(np.unique(segments)) > 1
    assert model.ranker.card["churn"]["auc"] > 0.6


async def test_without_a_model_there_are_no_segments_no_churn_and_a_worth_by_rule(plugin_folder, bank, customers):
    _, engine = engine_of(plugin_folder(keepers=KEEPERS), bank[0], None)

    [found, _] = scores(engine, customers[:5])

    assert np.isnan(found[:, 0]).all()
    assert (found[:, 1] >= 0).all()
    assert (found[:, 2] == 0).all()
