"""Packages beside each other, whose modules may have one name."""

import sys

import pytest

from plugins.host import PluginHost
from plugins.isolation.modes import THREADS, Isolation
from plugins.loading import digest_of

PROJECT = """
[project]
name = "guanxi-{name}"
version = "1"

[project.entry-points."guanxi.plugins"]
{name} = "{name}_plugin"
"""
PLUGIN = """
from {helper} import SCORE
from guanxi import Proposal, recommender

@recommender("{name}")
def propose(customer, catalogue):
    yield Proposal("A", SCORE)
"""


@pytest.fixture
def packages(tmp_path):
    """Return a function: a folder of packages, each with one helping module of a name, and a score in it."""

    def make(**helpers):
        for name, (helper, score) in helpers.items():
            own = tmp_path / "packages" / name
            own.mkdir(parents=True)
            (own / "pyproject.toml").write_text(PROJECT.format(name=name))
            (own / f"{name}_plugin.py").write_text(PLUGIN.format(name=name, helper=helper))
            (own / f"{helper}.py").write_text(f"SCORE = {score}\n")
        return tmp_path / "packages"

    return make


@pytest.fixture(autouse=True)
def forgetting(monkeypatch):
    """What a test imports, no other test finds."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))


@pytest.mark.parametrize("isolation", [THREADS, Isolation("process")], ids=["thread", "process"])
def test_of_two_packages_with_a_module_of_one_name_the_second_is_broken_and_says_so(
    packages, isolation, batch, person, catalogue, request
):
    folder = packages(clash_one=("clash_helper", 0.25), clash_two=("clash_helper", 0.5))
    host = PluginHost.load([folder], shipped=(), isolation=isolation)
    request.addfinalizer(host.close)

    assert [(plugin.name, plugin.state, plugin.error) for plugin in host.plugins] == [
        ("clash_one", "loaded", None),
        (
            "clash_two",
            "broken",
            "PluginError: it ships a module named 'clash_helper', which there is already, from "
            f"{folder / 'clash_one' / 'clash_helper.py'}",
        ),
    ]
    assert len(host._workers) == (isolation is not THREADS), "no process is kept for what is broken"
    [one] = host.recommenders()
    assert float(one.propose(batch([person()], catalogue("A"))).scores[0, 0]) == 0.25


@pytest.mark.parametrize("module", ["json", "numpy", "plugins"])
def test_a_package_with_a_module_of_a_name_of_ours_is_broken(packages, module):
    host = PluginHost.load([packages(clash_three=(module, 0.5))], shipped=())
    [plugin] = host.plugins
    assert (plugin.state, f"a module named {module!r}, which there is already" in plugin.error) == ("broken", True)


def test_packages_whose_modules_have_names_of_their_own_are_beside_each_other(packages, batch, person, catalogue):
    host = PluginHost.load([packages(clash_four=("helper_four", 0.25), clash_five=("helper_five", 0.5))], shipped=())
    asked = batch([person()], catalogue("A"))
    assert {own.name: float(own.propose(asked).scores[0, 0]) for own in host.recommenders()} == {
        "clash_four": 0.25,
        "clash_five": 0.5,
    }


def test_the_digest_of_code_is_alike_wherever_it_is_and_goes_by_no_test(tmp_path):
    for place in ("src/own", "own"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "__init__.py").write_text("A = 1\n")
        (tmp_path / place / "rules.py").write_text("B = 1\n")
    (tmp_path / "src" / "tests").mkdir()
    (tmp_path / "src" / "tests" / "test_own.py").write_text("def test_it(): ...\n")
    before = [digest_of(str(tmp_path / place)) for place in ("src", "own")]

    (tmp_path / "own" / "rules.py").write_text("B = 2\n")

    assert before[0] == before[1] != digest_of(str(tmp_path / "own"))
    assert digest_of(str(tmp_path / "gone")) is None
