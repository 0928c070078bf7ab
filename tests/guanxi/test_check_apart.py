"""``guanxi plugins check`` and ``evaluate`` of plugins that never end, or end their process: each is a failure."""

import pytest

from guanxi.bank import Bank
from guanxi.checking import check_plugin
from guanxi.findings import STILL_LEARNING
from guanxi.testing.drawn import sample_bank
from plugins.host import PluginHost
from plugins.isolation.modes import Isolation
from plugins.loading import of_path
from tests.guanxi.checks import failures

pytestmark = pytest.mark.embedded

LEARNER = """
import os
import threading

import numpy as np
from guanxi import Candidates, Refusal, hookimpl, say

class Mine:
    name, version = "mine", "1"

    def fit(self, portfolio):
        {fit}
        return {{"score": np.array([0.5])}}

    def with_arrays(self, arrays, product_codes):
        return self

    def propose(self, batch):
        {propose}
        return Candidates(np.full(batch.shape, 0.5, np.float32), lambda row, column: None)

class Mild:
    gate, code = "eligibility", "MILD"

    def refuses(self, batch):
        return np.ones(batch.shape, np.bool_)

    def explain(self, customer, product):
        return Refusal(self.gate, self.code, say({said}, "否。"), "nothing")

@hookimpl
def recommenders(register):
    register(Mine())

@hookimpl
def gates(register):
    register(Mild())
"""
FINE = {"fit": "pass", "propose": "pass", "said": "'No.'"}
PROCESS = {"GUANXI_PLUGIN_ISOLATION": "process", "GUANXI_PLUGIN_FIT_SECONDS": "3"}
ENDLESS_FIT = "TimeoutError: fit took longer than the 3 s of GUANXI_PLUGIN_FIT_SECONDS"
IN_ITSELF = {
    "fit never ends": ({"fit": "while True: pass"}, ENDLESS_FIT),
    "fit ends the process": ({"fit": "os._exit(0)"}, "ProcessEnded: its process ended: fit needs more memory than"),
    "fit takes too much": ({"fit": "bytearray(3 * 2**30)"}, "MemoryError: fit needs more memory than the 2048 MB"),
    "an answer never ends": (
        {"propose": "while any(one.age == 26 for one in batch.customers): pass"},
        "TimeoutError: took longer than it has; its process was ended (for C000000004)",
    ),
    "an answer ends the process": (
        {"propose": "if any(one.age == 26 for one in batch.customers): os._exit(0)"},
        "ProcessEnded: its process ended, of too little memory or of itself (for C000000004)",
    ),
    "a refusal ends the process": (
        {"said": "os._exit(0)"},
        "ProcessEnded: its process ended, of too little memory or of itself (for C000000001, ",
    ),
}
ENDED = "EndsItsProcess: called os._exit, which would have ended guanxi"


@pytest.fixture(scope="module")
def bank():
    """A small bank with a model, which has seen none of these."""
    with sample_bank(50) as bank:
        bank.train()
        yield bank


@pytest.fixture
def plugin(tmp_path):
    """Return a function: the file of a plugin with a fault."""

    def write(fault):
        path = tmp_path / "mine.py"
        path.write_text(LEARNER.format(**FINE | fault))
        return path

    return write


@pytest.fixture
def apart(bank, plugin, monkeypatch):
    """Return a function: what is found of a plugin kept apart, but for its types, which take seconds."""
    monkeypatch.setattr("guanxi.checking.check_types", lambda _: ())

    def find(fault, mode="process"):
        host = PluginHost.load(isolation=Isolation(mode, fit_seconds=3))
        with Bank(bank.settings, host=host, today=bank.today) as own:
            found = list(check_plugin(own, of_path(plugin(fault))))
        host.close()
        return found

    return find


def test_in_a_process_one_without_a_fault_passes(apart):
    findings = apart({})

    assert failures(findings) == []
    passed = {finding.check for finding in findings if finding.passed}
    assert passed >= {"mine answers", "mine learns the same again", "gate MILD, for its refusals, answers"}


@pytest.mark.parametrize("fault", IN_ITSELF)
def test_in_a_process_a_fault_is_found_and_told_of_the_right_customer(apart, budget, fault):
    budget(2.0)
    planted, told = IN_ITSELF[fault]

    assert [line for line in failures(apart(planted)) if told in line], told


def test_in_threads_a_second_fit_that_never_ends_is_told_its_line_and_ends_the_check(apart, tmp_path):
    fit = "self.fits = getattr(self, 'fits', 0) + 1; threading.Event().wait(30 * (self.fits > 1))"
    [*_, again, last] = apart({"fit": fit}, "thread")

    place = f" at {tmp_path}/mine.py, line 12: {fit}"
    assert (again.check, again.told) == ("mine learns the same again", f"{ENDLESS_FIT}{place}")
    assert last == STILL_LEARNING


@pytest.mark.parametrize("where", [("--customers", 50), ("--own-bank",)])
@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_both_banks_keep_plugins_apart_as_it_is_set(guanxi, bank, plugin, where, isolation):
    path = plugin({"fit": "while True: pass"})
    settings = PROCESS | {"GUANXI_PLUGIN_ISOLATION": isolation}
    done = guanxi(bank.settings.home, "plugins", "check", path, *where, **settings)

    place = f" at {path}, line 12: while True: pass\n" if isolation == "thread" else "\n"
    assert (done.returncode, done.stderr) == (1, "")
    assert f"FAIL mine learns: {ENDLESS_FIT}{place}" in done.stdout
    assert (f"not checked: {STILL_LEARNING.told}" in done.stdout) == (isolation == "thread")


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ({"fit": "os._exit(0)"}, "FAIL mine learns: "),
        ({"propose": "os._exit(0)"}, "FAIL mine answers: "),
        ({"fit": "threading.Thread(target=lambda: os._exit(0)).start()"}, "FAIL ends nothing: "),
    ],
)
def test_in_threads_one_that_ends_the_process_fails_and_the_check_goes_on(guanxi, bank, plugin, fault, line):
    done = guanxi(bank.settings.home, "plugins", "check", plugin(fault), "--own-bank")

    assert (done.returncode, "what changes: " in done.stdout) == (1, True)
    [told] = [one for one in done.stdout.splitlines() if ENDED in one]
    assert told.startswith(line)
    assert "mine.py" in told


@pytest.mark.parametrize("fault", [{"fit": "os._exit(0)"}, {"propose": "os._exit(0)"}])
def test_in_threads_one_that_ends_the_process_fails_when_it_is_evaluated(guanxi, bank, plugin, fault):
    done = guanxi(bank.settings.home, "plugins", "evaluate", plugin(fault), "--as-of", bank.today)

    assert (done.returncode, "difference (95 %)" in done.stdout) == (1, True)
    [line] = [line for line in done.stderr.splitlines() if ENDED in line]
    assert f"at last on {ENDED}" in line


def test_what_is_forked_ends_as_ever(guanxi, bank, plugin):
    fault = {
        "fit": "child = os.fork()\n        if not child: os._exit(7)\n        assert os.waitpid(child, 0)[1] >> 8 == 7"
    }
    done = guanxi(bank.settings.home, "plugins", "check", plugin(fault), "--own-bank")

    assert "mine learns" not in done.stdout.replace("mine learns the same again", "")
    assert "ok   mine answers" in done.stdout
