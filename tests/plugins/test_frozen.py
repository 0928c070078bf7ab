"""Plugins of every released plugin API, which keep working as long as its first number stands.

They are what others have written and nobody here can edit: one that has to be changed for a test to pass is a break of
the promise, which is why their digests are held. A new version gets a folder of its own; no file of an old one changes.
"""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from packaging.version import Version

from graph.records import StoredSettings
from plugins.about import API_VERSION
from plugins.host import PluginHost
from recommenders.artefact import Model

FROZEN = Path(__file__).parent / "frozen"
DIGESTS = {
    "1.0/a_class.py": "902b096a325f55a69ae22e53eb33bc6b2fa964640e5ac12dd3303ae011afe2d0",
    "1.0/a_function.py": "e028f299a835b43c3ba4e839f0edb3cddadb96cf8641fc32d1982f10f7f6e992",
    "1.0/a_module.py": "2bb29ea45d2105ecb4ab40e6b1a48324f34d0554e3d040ed87b76e4273dfa959",
    "1.0/plain_values.py": "f526223f61be1413e0b59bda2e937c4cb2cdbca8b5fed5c844902d3dfb4d4f45",
    "1.0/set_by_staff.py": "7f468cd532d0397f25f35272e1a43cb3d4947bd193a5cc817e0f046d7654e618",
}
GIVEN = {
    "1.0/a_class.py": {"recommenders": ["frozen-class"]},
    "1.0/a_function.py": {"recommenders": ["frozen-function"]},
    "1.0/a_module.py": {"recommenders": ["frozen-module"], "gates": ["FROZEN_NOT_WITH_A"], "events": ["FROZEN_THIRTY"]},
    "1.0/plain_values.py": {"fields": ["frozen_age"], "commands": ["frozen", "frozen-later"], "jobs": ["frozen"], "formats": ["frozen"]},
    "1.0/set_by_staff.py": {"recommenders": ["frozen-settings"]},
}  # fmt: skip
"""What each registers, by hook."""
PROPOSED = {
    "1.0/a_class.py": [{"C": 0.5}, {"C": 0.5}],
    "1.0/a_function.py": [{"B": 0.75}, {}],
    "1.0/a_module.py": [{"C": 0.5, "D": 0.5}, {"C": 0.5, "D": 0.5}],
    "1.0/plain_values.py": [],
    "1.0/set_by_staff.py": [{"A": 0.25}, {"A": 0.25}],
}
"""What each proposes to a customer of 36, and to one of 26 who has A."""
every = pytest.mark.parametrize("name", DIGESTS)


@pytest.fixture
def asked(person, batch, catalogue):
    customers = [person("OLD"), person("YOUNG", ["A"], birth_date=person().birth_date.replace(year=2000))]
    return batch(customers, catalogue(*"ABCD"))


@pytest.fixture
def alone():
    """Return a function: a host with one of them, and what is said of it."""

    def load(name):
        host = PluginHost()
        return host, host.add_path(FROZEN / name)

    return load


def test_they_are_as_they_were():
    found = {
        str(path.relative_to(FROZEN)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(FROZEN.glob("*/*.py"))
    }
    assert found == DIGESTS, "a frozen plugin is never edited: see above"


def test_every_version_that_this_one_keeps_has_some():
    kept = {name.partition("/")[0] for name in DIGESTS}
    assert f"{Version(API_VERSION).major}.0" in kept


@every
def test_each_loads_and_registers_what_it_did(alone, name):
    host, info = alone(name)
    assert (info.state, info.error) == ("loaded", None)
    found = {
        hook: [getattr(item, "name", None) or item.code for item, _ in host.of(hook)]
        for hook in ("recommenders", "gates", "events", "fields", "commands", "jobs", "formats")
    }
    assert {hook: names for hook, names in found.items() if names} == GIVEN[name]


@every
def test_each_proposes_what_it_did(alone, asked, name):
    host, _ = alone(name)
    model = Model(tuple("ABCD"), asked.context.today, {"frozen-class": {"share": np.array([0.5])}}, versions={"frozen-class": "1"})  # fmt: skip
    scores = [recommender.propose(asked).scores for recommender in host.recommending.guarded(model)]
    assert [
        {code: float(row[column]) for column, code in enumerate("ABCD") if not np.isnan(row[column])}
        for own in scores
        for row in own
    ] == PROPOSED[name]


def test_the_modules_gate_levers_bundles_and_event_are_what_they_were(alone, asked):
    host, _ = alone("1.0/a_module.py")
    [gate] = host.gates()
    rules = host.rules(asked.catalogue)
    [(event, _)] = host.of("events")

    assert gate.refuses(asked).tolist() == [[False] * 4, [False, False, False, True]]
    assert gate.explain(asked.customers[1], asked.catalogue.products[3]).saw == "holds A"
    assert [(lever.name, lever.factors) for lever in rules.levers] == [("frozen", {"D": 2.0})]
    assert [(rule.code, rule.products) for rule in rules.bundles] == [("FROZEN", ("C", "D"))]
    assert [event.on(customer) for customer in asked.customers] == [asked.context.today, None]


def test_settings_reach_the_function_and_the_hooks(alone, asked):
    host, _ = alone("1.0/set_by_staff.py")
    host.take_settings({"set_by_staff": StoredSettings("set_by_staff", 1, {"score": 1.0})})
    [recommender] = host.recommending.guarded(None)

    assert recommender.propose(asked).scores[:, 0].tolist() == [1.0, 1.0]
    assert [lever.factors for lever in host.rules(asked.catalogue).levers] == [{"A": 2.0}]
