"""Plugins that cannot learn, or cannot answer from what they learnt: they have no say, and all others have theirs."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from guanxi.reproducing import ask_again
from guanxi.settings import Settings
from plugins.failures.reports import FailureReports, files, read
from plugins.host import PluginHost
from plugins.isolation import learning
from plugins.isolation.modes import THREADS, Isolation
from plugins.recommending import OTHER_TEXT
from recommenders.artefact import Model
from recommenders.contract import Omitted
from recommenders.portfolio import Ledger
from recommenders.training import learn

TODAY = date(2026, 6, 30)
LEARNER = """
from guanxi import About, Candidates, hookimpl
import numpy as np

class Unnamed:
    propose = staticmethod(lambda batch: Candidates(np.full(batch.shape, 0.25, np.float32), lambda row, column: None))

class Popularity(Unnamed):
    name, version = "popularity", "9"

class {name}:
    name, version = "{name}", "1"

    def fit(self, portfolio):
        {fit}

    def with_arrays(self, arrays, product_codes):
        self.learnt = arrays["{key}"]
        return self

    def propose(self, batch):
        return Candidates(np.full(batch.shape, self.learnt[0], np.float32), lambda row, column: None)

@hookimpl
def about():
    return About(version="7", owner="ann@bank.example")

@hookimpl
def recommenders(register):
    register({name}())
"""
FINE = "return {'coef': np.array([0.5])}"
QUOTES = "raise ValueError('not today, C01')"
UNFIT = {
    "raises": (QUOTES, "ValueError in unfit.py:15", "not xxxxx, x00"),
    "ends": ("raise SystemExit(3)", "SystemExit in unfit.py:15", "0"),
    "none": ("return None", "NotLearnt: fit gave NoneType, not arrays by name", "fit gave NoneType, not arrays by name"),
    "no arrays": ("return {'C01': 0.5}", "NotLearnt: of what fit gave, number 1 of 1 is float, no array",
                  "of what fit gave, number 1 of 1 is float, no array"),
    "other arrays": ("return {'intercept': np.array([0.5])}", "KeyError in unfit.py:18", "'xxxx'"),
    "ours said again": (
        "from graph.errors import NotLearnt; raise NotLearnt('not today, C01')",
        "NotLearnt in unfit.py:15", "not xxxxx, x00",
    ),
}  # fmt: skip


def learner(name, fit=FINE, key="coef"):
    return LEARNER.format(name=name, fit=fit, key=key)


@pytest.fixture
def loaded(plugin_folder, tmp_path):
    """Return a function: a host of plugins by name, which reports failures in a folder."""
    reports = FailureReports(tmp_path / "failures")
    made = []

    def load(isolation=THREADS, **sources):
        made.append(PluginHost.load([plugin_folder(**sources)], shipped=(), reports=reports, isolation=isolation))
        return made[-1]

    yield load
    for host in made:
        host.close()


@pytest.fixture
def trained(catalogue, person):
    """Return a function: what a host's plugins learn of a bank of 20 customers."""
    ledger = Ledger(catalogue("A", "B"))
    for number in range(20):
        ledger.add({"customer_no": f"C{number:02}", "kind": "person", "joined_on": None, "memberships": [],
                    "relations": [], "holdings": [("AB"[number % 2], TODAY, None)]})  # fmt: skip

    async def load(numbers):
        return [person(number) for number in numbers]

    return lambda host: learn(
        ledger, load, host.recommenders(), TODAY, guard=host.recommending.guard, failed=host.recommending.learnt_nothing
    )


def state(host, name):
    [info] = [info for info in host.plugins if info.name == name]
    return info


def of_arrays(**arrays):
    return Model(("A", "B"), TODAY, arrays, versions=dict.fromkeys(arrays, "1"))


@pytest.mark.parametrize(("fit", "why", "said"), UNFIT.values(), ids=UNFIT)
async def test_a_plugin_that_cannot_learn_leaves_the_model_without_it_and_its_owner_is_told(
    loaded, trained, tmp_path, fit, why, said
):
    host = loaded(fine=learner("fine"), unfit=learner("unfit", fit))

    found = await trained(host)

    assert found.model.arrays == {"fine": {"coef": np.array([0.5])}}
    info = state(host, "unfit")
    assert (info.state, info.failures, state(host, "fine").state) == ("failing", 1, "loaded")
    [path] = files(tmp_path / "failures")
    failure = read(path)
    assert (failure.plugin, failure.item, failure.owner, failure.customers) == (
        "unfit",
        "unfit",
        "ann@bank.example",
        (),
    )
    assert (failure.place, failure.said) == (info.last_place, said)
    assert found.model.training["learnt_nothing"] == {"unfit": {"version": "1", "why": why}}
    assert info.told == (f"learning: unfit learnt nothing that it can use: {why}" if said in why else None)


@pytest.mark.parametrize("isolation", [Isolation(), Isolation("process")], ids=lambda own: own.mode)
@pytest.mark.parametrize("gives", ["Unnamed()", "Popularity()"])
def test_what_has_learnt_answers_by_its_registered_name_whatever_it_calls_itself(
    loaded, batch, person, catalogue, isolation, gives
):
    host = loaded(isolation, fine=learner("fine"), other=learner("other").replace("return self", f"return {gives}"))
    learnt = {"coef": np.array([0.5])}
    able = host.recommending.guarded(of_arrays(fine=learnt, other=learnt))
    host.wait()

    assert [(own.name, own.version) for own in able] == [("fine", "1"), ("other", "1")]
    assert [own.propose(batch([person()], catalogue("A", "B"))).scores.max() for own in able] == [0.5, 0.25]


WONT = "with_arrays gave NoneType, which cannot propose"


async def test_what_gives_nothing_that_can_answer_has_learnt_nothing(loaded, trained):
    host = loaded(fine=learner("fine"), void=learner("void").replace("return self", "return None"))
    found = await trained(host)

    assert found.model.arrays.keys() == {"fine"}
    assert found.model.training["learnt_nothing"] == {"void": {"version": "1", "why": f"NotLearnt: {WONT}"}}
    learnt = {"coef": np.array([0.5])}
    assert [own.name for own in host.recommending.guarded(of_arrays(fine=learnt, void=learnt))] == ["fine"]


def test_of_a_process_nothing_that_can_answer_is_a_failure_when_it_is_asked(loaded, batch, person, catalogue):
    host = loaded(Isolation("process"), void=learner("void").replace("return self", "return None"))
    [void] = host.recommending.guarded(of_arrays(void={"coef": np.array([0.5])}))
    host.wait()

    with pytest.raises(Omitted):
        void.propose(batch([person()], catalogue("A", "B")))
    assert host.recommending.infos()[0].last_error == f"NotLearnt: {WONT}"


async def test_what_never_has_taken_in_what_it_learnt_holds_up_neither_training_nor_servers(
    loaded, trained, monkeypatch
):
    monkeypatch.setattr(learning, "GIVE_SECONDS", 0.5)
    stuck = learner("stuck").replace("self.learnt = ", "import time; time.sleep(60); self.learnt = ")
    host = loaded(fine=learner("fine"), stuck=stuck)
    found = await trained(host)

    late = "TimeoutError: with_arrays took longer than 0.5 s"
    assert found.model.training["learnt_nothing"] == {"stuck": {"version": "1", "why": late}}
    learnt = {"coef": np.array([0.5])}
    assert [own.name for own in host.recommending.guarded(of_arrays(fine=learnt, stuck=learnt))] == ["fine"]


@pytest.mark.parametrize("isolation", [Isolation(), Isolation("process")], ids=lambda own: own.mode)
def test_one_that_cannot_say_whether_it_learns_from_customers_is_broken_and_no_other(loaded, isolation):
    asked = "    @property\n    def learns_from_customers(self): raise KeyboardInterrupt\n\n    def fit"
    host = loaded(isolation, fine=learner("fine"), dumb=learner("dumb").replace("    def fit", asked))

    assert [(own.name, own.state) for own in host.plugins] == [("dumb", "broken"), ("fine", "loaded")]
    assert state(host, "dumb").last_place == "KeyboardInterrupt in dumb.py:15"


async def test_each_sentence_is_a_failure_of_its_own(loaded, trained, tmp_path):
    for fit in ("return None", "return [1]"):
        await trained(loaded(unfit=learner("unfit", fit)))

    assert [read(path).said for path in files(tmp_path / "failures")] == [
        "fit gave NoneType, not arrays by name",
        "fit gave list, not arrays by name",
    ]


def test_a_plugin_that_cannot_use_what_it_learnt_is_left_out_and_no_other(loaded, tmp_path):
    host = loaded(fine=learner("fine"), renamed=learner("renamed", key="coef2"))
    learnt = {"coef": np.array([0.5])}

    able = host.recommending.guarded(of_arrays(fine=learnt, renamed=learnt))

    assert [own.name for own in able] == ["fine"]
    assert state(host, "renamed").state == "failing"
    assert state(host, "renamed").error == "learning: renamed learnt nothing that it can use: KeyError: 'coef2'"
    assert {own.name: own.state for own in host.recommending.infos()} == {"fine": "ready", "renamed": "untrained"}
    [path] = files(tmp_path / "failures")
    assert read(path).place.startswith("KeyError in renamed.py:")

    assert len(host.recommending.guarded(of_arrays(fine=learnt, renamed={"coef2": np.array([0.5])}))) == 2
    assert (state(host, "renamed").state, state(host, "renamed").error) == ("loaded", None)


def test_one_that_would_end_the_process_when_it_is_given_what_it_learnt_is_left_out(loaded):
    ends = learner("ends").replace("product_codes):", "product_codes):\n        raise KeyboardInterrupt")
    host = loaded(fine=learner("fine"), ends=ends)
    learnt = {"coef": np.array([0.5])}

    assert [own.name for own in host.recommending.guarded(of_arrays(fine=learnt, ends=learnt))] == ["fine"]


def test_an_operator_s_interrupt_meanwhile_is_his_own(loaded):
    waits = "product_codes):\n        import os, signal, time\n        os.kill(os.getpid(), signal.SIGINT)\n        time.sleep(1)"
    host = loaded(waits=learner("waits").replace("product_codes):", waits))

    with pytest.raises(KeyboardInterrupt):
        host.recommending.guarded(of_arrays(waits={"coef": np.array([0.5])}))
    assert state(host, "waits").state == "loaded"


async def test_each_training_tells_of_its_warnings(loaded, trained, recwarn):
    host = loaded(wary=learner("wary", f"import warnings; warnings.warn('no convergence'); {FINE}"))
    for _ in range(2):
        await trained(host)

    assert [str(one.message) for one in recwarn] == ["wary, in learning: no convergence"] * 2


def test_what_a_plugin_fails_on_when_it_is_given_what_it_learnt_comes_again(loaded, tmp_path, monkeypatch):
    host = loaded(renamed=learner("renamed", key="coef2"))
    model = of_arrays(renamed={"coef": np.array([0.5])})
    host.recommending.guarded(model)
    [path] = files(tmp_path / "failures")
    monkeypatch.setattr("guanxi.reproducing.model_in_force", lambda _: model)

    with pytest.raises(KeyError, match="coef2"):
        ask_again(read(path), tmp_path / "plugins" / "renamed.py", Settings(home=tmp_path))


def test_with_a_model_in_which_it_learnt_nothing_it_is_failing_and_says_why(loaded, caplog):
    host, unlearnt = (
        loaded(mine=learner("mine"), other=learner("other")),
        {"mine": {"version": "1", "why": "NotLearnt: x"}},
    )
    model = Model(("A", "B"), TODAY, {}, training={"learnt_nothing": unlearnt}, versions={})
    for _ in range(2):
        host.recommending.guarded(model)

    info = state(host, "mine")
    assert (info.state, info.failures, state(host, "other").state) == ("failing", 0, "loaded")
    assert info.told.startswith("learning: mine is not trained: it failed at learning (NotLearnt: x); see ")
    assert [record.message for record in caplog.records if record.message.startswith("mine")] == [
        f"mine of plugin mine is {info.told.removeprefix('learning: mine is ')}"
    ]

    host.recommending.guarded(of_arrays(mine={"coef": np.array([0.5])}))
    assert (info.state, info.told) == ("loaded", None)


def test_what_failed_before_is_told_on_beside_what_was_not_learnt(loaded):
    host, unlearnt = loaded(mine=learner("mine")), {"mine": {"version": "1", "why": "NotLearnt: x"}}
    info = state(host, "mine")
    info.note("its file was changed, and the version before serves", is_safe=True)

    host.recommending.guarded(Model(("A", "B"), TODAY, {}, training={"learnt_nothing": unlearnt}, versions={}))

    assert info.told == "its file was changed, and the version before serves"


def test_who_has_no_say_for_another_version_is_said_with_what_to_do(loaded, caplog):
    host = loaded(mine=learner("mine"), new=learner("new"))
    model = Model(("A", "B"), TODAY, {"mine": {"coef": np.array([0.5])}}, versions={"mine": "0"})

    assert host.recommending.guarded(model) == []
    assert host.recommending.guarded(model) == []

    assert [record.message for record in caplog.records] == [
        "mine of plugin mine is not trained: the model has version 0, this is 1; run guanxi train",
        "new of plugin new is not trained: the model has nothing of it; run guanxi train",
    ]


@pytest.mark.parametrize("isolation", [THREADS, Isolation("process")], ids=["thread", "process"])
def test_who_answers_by_what_another_text_of_its_version_learnt_is_said_and_answers(loaded, caplog, isolation):
    texts = loaded(isolation, mine=learner("mine"), same=learner("same")).recommending.texts()
    model = replace(of_arrays(mine={"coef": np.ones(1)}, same={"coef": np.ones(1)}), training={"texts": texts})
    host = loaded(isolation, mine=learner("mine", "return {'coef': np.zeros(1)}"), same=learner("same"))

    for _ in range(2):
        assert [own.name for own in host.recommending.guarded(model)] == ["mine", "same"]

    assert [record.message for record in caplog.records] == [f"mine of plugin mine is {OTHER_TEXT}"]
    assert state(host, "mine").state == "loaded"
    outdated = {own.name: own.is_outdated for own in host.recommending.infos()}
    assert (outdated["mine"], outdated["same"]) == (True, False)
