"""A plugin that fails in learning: all others learn the same, and in processes whatever it does."""

import os

import numpy as np
import pytest

from plugins.host import PluginHost
from plugins.isolation.modes import Isolation
from recommenders.portfolio import Ledger
from recommenders.training import fit_all

LEARNER = """
import os
import sys
import numpy as np
from guanxi import Candidates, hookimpl

class Mine:
    name, version = {name!r}, "1"

    def fit(self, portfolio):
        return {fit}

    def with_arrays(self, arrays, product_codes):
        {learnt}
        return self

    def propose(self, batch):
        return Candidates(np.full(batch.shape, np.nan, np.float32), lambda row, column: None)

@hookimpl
def recommenders(register):
    register(Mine())
"""
GOOD = LEARNER.format(
    name="good",
    fit="""{
        "held": np.asarray(portfolio.held.sum(axis=0)).ravel(), "pid": np.array(os.getpid()), "none": np.zeros((0, 2)),
        "codes": np.array(portfolio.catalogue.codes), "day": np.array([portfolio.today], "M8[D]"), "yes": np.array([True]),
    }""",
    learnt="",
)  # fmt: skip
LONG = "all(iter(lambda: os.path.exists(__file__), False)) and {'a': np.zeros(1)}"
"""Ends as soon as the plugin's file is gone."""
CASES = {
    "an exception": "1 / 0",
    "the end of the process": "sys.exit(3)",
    "a list": "[1, 2]",
    "objects": "{'a': np.array([None])}",
    "numbers that are no arrays": "{'a': 1.0}",
    "a name that numpy takes for another's": "{'a': np.zeros(1), 'a.npy': np.ones(1)}",
    "an interrupt": "exec('raise KeyboardInterrupt')",
    "what ends all": "exec('raise BaseException')",
    "a loop that takes too long": LONG,
    "an array whose mask would be lost": "{'a': np.ma.masked_array([1.0], [True])}",
}
ONLY_APART = {
    "a memory hog": "{'a': np.zeros(2**26)}",
    "a process that ends": "os._exit(3)",
    "a signal": "os.kill(os.getpid(), 9)",
}


@pytest.fixture
def learnt(plugin_folder, catalogue, request):
    """Return a function: what plugins of the sources learn of a small bank, by recommender."""

    def make(mode, **sources):
        isolation = Isolation(mode, fit_seconds=2.0 if "mine" in sources else 60.0, fit_memory_mb=256)
        host = PluginHost.load([plugin_folder(**sources)], shipped=(), isolation=isolation)
        request.addfinalizer(host.close)
        ledger = Ledger(catalogue("A", "B"))
        for number in range(3):
            ledger.add({
                "customer_no": f"C{number}", "kind": "person", "joined_on": None, "memberships": [], "relations": [],
                "holdings": [("A", None, None)],
            })  # fmt: skip
        today = request.getfixturevalue("context")().today
        return fit_all(host.recommenders(), ledger.portfolio(today), failed=host.recommending.learnt_nothing)

    return make


@pytest.mark.parametrize(
    ("mode", "fit"),
    [
        *(pytest.param("thread", fit, id=f"thread-{name}") for name, fit in CASES.items()),
        *(pytest.param("process", fit, id=f"process-{name}") for name, fit in {**CASES, **ONLY_APART}.items()),
    ],
)
def test_others_learn_on(learnt, mode, fit):
    found = learnt(mode, mine=LEARNER.format(name="mine", fit=fit, learnt=""), zeal=GOOD)
    assert found.keys() == {"good"}


SENTENCES = {
    "[1, 2]": "NotLearnt: fit gave list, not arrays by name",
    "exec('raise KeyboardInterrupt')": "KeyboardInterrupt in mine.py:11",
    LONG: "TimeoutError: fit took longer than the 2 s of GUANXI_PLUGIN_FIT_SECONDS",
    "1 // 0": "ZeroDivisionError in mine.py:11",
    "portfolio.batch": "NotLearnt in mine.py:11: customers are read only for a recommender that has learns_from_customers = True",
}
OF_LIMITS = {
    ONLY_APART["a memory hog"]: "MemoryError in mine.py:11: fit needs more memory than the 256 MB of GUANXI_PLUGIN_FIT_MEMORY_MB",
    "os._exit(3)": "ProcessEnded: its process ended: fit needs more memory than the 256 MB of GUANXI_PLUGIN_FIT_MEMORY_MB, or ended it",
}  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "fit", "told"),
    [
        *(("thread", fit, told) for fit, told in SENTENCES.items()),
        *(("process", fit, told) for fit, told in {**SENTENCES, **OF_LIMITS}.items()),
    ],
)
def test_what_guanxi_itself_says_is_told_whole_and_of_all_else_type_and_place(learnt, caplog, mode, fit, told):
    learnt(mode, mine=LEARNER.format(name="mine", fit=fit, learnt=""))
    assert caplog.messages[-1] == f"mine of plugin mine learnt nothing that it can use: {told}"


def test_what_cannot_answer_from_what_it_learnt_has_learnt_nothing(learnt):
    found = learnt("thread", mine=LEARNER.format(name="mine", fit="{'a': np.zeros(1)}", learnt="1 / 0"), zeal=GOOD)
    assert found.keys() == {"good"}


def test_arrays_of_every_kind_come_from_a_process_as_they_do_from_here(learnt):
    here, there = learnt("thread", good=GOOD)["good"], learnt("process", good=GOOD)["good"]
    assert here.pop("pid") == os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(there.pop("pid"), 0)
    assert here.keys() == there.keys()
    for name, array in here.items():
        assert array.dtype == there[name].dtype
        assert np.array_equal(array, there[name])
        assert there[name].flags.writeable


WARNED = """[
    warnings.warn_explicit(text, RuntimeWarning, "lib.py", 1)
    for text in ["no convergence", "no leaves"] * 50
] and {"a": np.zeros(1)}"""


@pytest.mark.parametrize(("mode", "kind"), [("thread", ""), ("process", "RuntimeWarning: ")])
def test_each_warning_is_told_once_with_whose_it_is(learnt, recwarn, mode, kind):
    name = f"wary-in-{mode}"
    source = LEARNER.format(name=name, fit=WARNED, learnt="").replace("import os", "import os, warnings")
    for _ in range(2):
        assert learnt(mode, wary=source).keys() == {name}

    assert [str(one.message) for one in recwarn] == [
        f"{name}, in learning: {kind}no convergence",
        f"{name}, in learning: {kind}no leaves",
    ]
