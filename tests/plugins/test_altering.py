"""A plugin that writes to what it is shown: what the plugin after it offers is the same to the bit."""

from contextlib import suppress
from datetime import date

import pytest

from graph.records import Membership
from plugins.host import PluginHost
from recommenders.batch import Batch
from recommenders.contract import Context, Omitted
from recommenders.portfolio import Ledger
from recommenders.training import fit_all

TODAY = date(2026, 6, 30)
ALTERS = """
from guanxi import ABOUT, Candidates, hookimpl
import numpy as np
import polars as pl

class Alters:
    name, version = "alters", "1"

    def propose(self, batch):
        {alter}
        return Candidates(np.full(batch.shape, 0.5, np.float32), lambda row, column: None)

@hookimpl
def recommenders(register):
    register(Alters())
"""
ALL = """
from recommenders.sight import ALL

@hookimpl
def about():
    return About(permissions=tuple(ALL))
"""
WAYS = {
    "held": "batch.held[:] = True",
    "ages": "batch.ages[:] = 0",
    "persons": "batch.are_persons[:] = False",
    "customers": "batch.customers = batch.customers[::-1]",
    "no customers": "del batch.customers",
    "another array": "batch.held = np.ones(batch.shape, bool)",
    "a view": "batch.customers[0].holdings = ()",
    "a computed one": "batch.customers[0].holdings; del batch.customers[0].holdings",
    "a holding": "batch.customers[0].holdings[0].balance = 9.0",
    "an attribute": "batch.customers[0].attributes['x'] = 1",
    "all attributes": "batch.customers[0].attributes.clear()",
    "kin": "batch.customers[0].kin_holdings['A'] = 9",
    "frames": "batch.frames.customers = None",
    "a frame": "batch.frames.customers[0, 'age'] = 1",
    "a column": "batch.frames.customers.drop_in_place('age')",
    "rows": "batch.frames.holdings.extend(batch.frames.holdings)",
    "a catalogue": "batch.catalogue.codes = ()",
    "an index": "batch.catalogue.index.clear()",
    "a context": "batch.context.top = 0",
}


def told(batch):
    """Everything that a plugin may look at."""
    frames = {name: getattr(batch.frames, name).to_dicts() for name in ("customers", "holdings", "memberships")}
    views = [
        (one.customer_no, one.age, one.holdings, one.memberships, dict(one.attributes), dict(one.kin_holdings))
        for one in batch.customers
    ]
    arrays = (batch.held.tobytes(), batch.ages.tobytes(), batch.are_persons.tobytes())
    return arrays, views, frames, batch.catalogue.codes, dict(batch.catalogue.index), batch.context


@pytest.mark.parametrize("permissions", ["", ALL], ids=["as undeclared", "as the engine"])
@pytest.mark.parametrize("alter", WAYS.values(), ids=WAYS)
def test_what_the_next_one_is_shown_is_the_same(plugin_folder, catalogue, person, alter, permissions):
    source = ALTERS.replace("ABOUT", "About").format(alter=alter) + permissions
    host = PluginHost.load([plugin_folder(alters=source)], shipped=())
    [recommender] = host.recommenders()
    records = [
        person(f"C{number}", holds=("A",), attributes={"vip": True}, memberships=(Membership("P", "campus", "member"),))
        for number in range(3)
    ]
    batch = Batch.of(records, catalogue("A", "B"), Context(TODAY))
    seen = recommender.sight.batch(batch) if permissions == "" else batch
    before = told(seen)

    with suppress(Omitted):
        host.recommending.guard(recommender).propose(batch)

    assert told(seen) == before


def test_what_one_writes_to_the_portfolio_the_next_one_does_not_learn_from(catalogue):
    ledger = Ledger(catalogue("A", "B"))
    ledger.add({"customer_no": "C1", "kind": "person", "joined_on": None, "memberships": [], "relations": [],
                "holdings": [("A", TODAY, None)]})  # fmt: skip

    class Learner:
        version = "1"

        def __init__(self, name):
            self.name = name

        def fit(self, portfolio):
            held = portfolio.held.toarray()
            portfolio.held.data[:] = 7
            portfolio.kinds[:] = 0
            return {"held": held}

        def with_arrays(self, _, __):
            return self

        def propose(self, batch):
            raise NotImplementedError

    found = fit_all([Learner("mm"), Learner("zz")], ledger.portfolio(TODAY))

    assert found["mm"]["held"].tolist() == found["zz"]["held"].tolist() == [[1.0, 0.0]]
