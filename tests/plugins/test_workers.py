"""The process of a plugin: what reaches it, what it answers, and when it ends."""

import gc
import os
import signal
import socket
import subprocess
import sys
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from graph.records import Relation, StoredSettings
from graph.words import Language, RelationKind
from plugins.failures.telling import Foreign
from plugins.host import PluginHost
from plugins.isolation import calls, workers, working
from plugins.isolation.calls import Call, do_at_once
from plugins.isolation.modes import Isolation
from plugins.isolation.together import ask_together
from plugins.isolation.wire import receive, send
from plugins.isolation.workers import Worker
from plugins.isolation.working import GRACE_SECONDS
from plugins.settings.held import Sources
from recommenders.contract import Omitted
from tests.waiting import PATIENCE, wait_until

SETTINGS = """
from pydantic import BaseModel, Field, SecretStr
from guanxi import About, Proposal, hookimpl, recommender

class Place(BaseModel, frozen=True):
    code: str = Field("A", description="What to propose.")

class Settings(BaseModel, frozen=True):
    score: float = Field(0.5, ge=0, le=1, description="How strongly.")
    place: Place = Field(Place(), description="Where.")
    key: SecretStr = Field(SecretStr("none"), description="Opens it.")

@hookimpl
def about():
    return About(settings=Settings)

@recommender("mine")
def propose(customer, catalogue, settings):
    yield Proposal(settings.place.code, settings.score, reason=settings.key.get_secret_value())
"""
LEARNER = """
import numpy as np
from guanxi import Candidates, hookimpl
from pydantic import BaseModel, Field
from guanxi import About

class Settings(BaseModel, frozen=True):
    factor: float = Field(1, description="How strongly.")

@hookimpl
def about():
    return About(settings=Settings)

class Mine:
    name, version = "mine", "1"

    def __init__(self, factor, best=None):
        self.factor, self.best = factor, best

    def fit(self, portfolio):
        return {"best": np.zeros(1)}

    def with_arrays(self, arrays, codes):
        return Mine(self.factor, dict(zip(codes, arrays["best"])))

    def propose(self, batch):
        scores = np.array([[self.best.get(code, np.nan) for code in batch.catalogue.codes]], np.float32)
        return Candidates(scores * self.factor, lambda row, column: None)

@hookimpl
def recommenders(register, settings):
    register(Mine(settings.factor))
"""
GATE = """
import numpy as np
from guanxi import Refusal, hookimpl, say

class Closed:
    gate, code = "eligibility", "CLOSED"

    def refuses(self, batch):
        return batch.held

    def explain(self, customer, product):
        text = say(f"Has {product.name}.", "已有。")
        return Refusal(self.gate, self.code, text, customer.customer_no, say("Close it.", "关闭。"))

@hookimpl
def gates(register):
    register(Closed())
"""
NOSY = """
from guanxi import Proposal, recommender

@recommender("nosy")
def propose(customer, catalogue):
    seen = [customer.customer_no, *(relation.customer_no for relation in customer.relations)]
    yield Proposal("A", 0.5, reason=" ".join(seen), path=(customer.customer_no, "HAS", "A"))
    yield Proposal("B", 0.5, reason="no path of its own")
"""
FACTS = """
from dataclasses import dataclass
from datetime import date
from enum import Enum
from guanxi import Facts, Proposal, hookimpl, recommender

class Ward(Enum):
    \"\"\"Where.\"\"\"
    NORTH = "north"
    \"\"\"In the north.\"\"\"

@dataclass(frozen=True)
class Stay:
    \"\"\"A stay.\"\"\"
    since: date
    \"\"\"First day.\"\"\"
    ward: Ward
    \"\"\"Where.\"\"\"

@hookimpl
def facts(register):
    register(Facts(Stay))

@recommender("facts")
def propose(customer, catalogue):
    yield Proposal("A", 0.5, reason="was there", facts=Stay(date(2026, 2, 28), Ward.NORTH))
    yield Proposal("B", 0.5, reason="was not")
"""
SLOW = """
import os
import time
from guanxi import Proposal, recommender

@recommender("slow")
def propose(customer, catalogue):
    time.sleep(1.0)
    yield Proposal("A", 0.5, reason=str(os.getpid()))
"""
MEETING = """
import time
from pathlib import Path
from guanxi import Proposal, recommender

@recommender({own!r})
def propose(customer, catalogue):
    Path({folder!r}, {own!r}).touch()
    while not Path({folder!r}, {other!r}).exists():
        time.sleep(0.01)
    yield Proposal("A", 0.5)
"""
TURNS = """
import time
from pathlib import Path
from guanxi import Proposal, recommender

@recommender({own!r})
def propose(customer, catalogue):
    with Path({turns!r}).open("a", buffering=1) as told:
        told.write("begins\\n")
        time.sleep(0.2)
        told.write("ends\\n")
    yield Proposal("A", 0.5)
"""
HESITANT = LEARNER.replace("import numpy as np", "import time\nfrom pathlib import Path\nimport numpy as np").replace(
    "        return Mine", "        while not Path({heard!r}).exists(): time.sleep(0.01)\n        return Mine", 1
)  # fmt: skip
ENDLESS = "while True: pass"
PAIR = """
from guanxi import Proposal, recommender

@recommender("{name}-left")
def left(customer):
    yield Proposal("A", 0.25)

@recommender("{name}-right")
def right(customer):
    {does}
    yield Proposal("B", 0.75)
"""
LATE = """
import time
from pathlib import Path
import numpy as np
from guanxi import Proposal, Refusal, hookimpl, recommender, say

@recommender("late")
def propose(customer, catalogue):
    while not Path({go!r}).exists():
        time.sleep(0.01)
    raise ValueError("not today")

class Open:
    gate, code = "eligibility", "OPEN"

    def refuses(self, batch):
        return np.zeros(batch.shape, bool)

    def explain(self, customer, product):
        return Refusal(self.gate, self.code, say("No.", "否。"), "nothing")

@hookimpl
def gates(register):
    register(Open())
"""
ODD = """
import os
import numpy as np
from guanxi import Candidates, Reason, Refusal, hookimpl, say

class Odd:
    gate, code, name, version = "eligibility", "ODD", "odd", "1"

    def refuses(self, batch):
        return np.ones(batch.shape, bool)

    def explain(self, customer, product):
        if product.product_code == "A":
            return Refusal(self.gate, self.code, say("No.", "否。"), str(os.getpid()))
        return Refusal(self.gate, self.code, say("No.", "否。"), "it", {{{key}: "Open it.", "en": {unlock}, "zh": "开。"}})

    def propose(self, batch):
        return Candidates(np.zeros(batch.shape), lambda row, column: Reason({by}, ("C1", "A"), say("So.", "是。")))

@hookimpl
def gates(register):
    register(Odd())

@hookimpl
def recommenders(register):
    register(Odd())
"""
SPREAD = """
import threading
from guanxi import Proposal, recommender

@recommender("spread")
def propose(customer, catalogue):
    met = threading.Barrier(6)
    threads = [threading.Thread(target=lambda: (bytes(4096), met.wait())) for _ in range(6)]
    for thread in threads:
        thread.start()
    taken = bytes(200 * 2**20)
    for thread in threads:
        thread.join()
    yield Proposal("A", 0.5)
"""
NOTED = """
import ctypes
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from guanxi import Proposal, recommender

def note(pid=None):
    with Path({pids!r}).open("a") as told:
        print(pid or os.getpid(), file=told)

def wait():
    Path({pids!r}).with_suffix(".asked").touch()
    {waits}

note()
{at_import}

@recommender("noted")
def propose(customer, catalogue):
    {when_asked}
    wait()
    yield Proposal("A", 0.5)
"""
HOST = """
import sys
from datetime import date
from pathlib import Path
from graph.records import Customer, Product
from graph.words import CustomerKind
from plugins.isolation import budgets, workers
from plugins.host import PluginHost
from plugins.isolation.modes import Isolation
from plugins.isolation.together import ask_together
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Context

budgets.BUDGET_SECONDS = workers.START_SECONDS = 10_000.0
host = PluginHost.load([Path(sys.argv[1])], shipped=(), isolation=Isolation("process"))
catalogue = Catalogue([Product("A", "A", "deposit")])
batch = Batch.of([Customer("C1", CustomerKind.PERSON)], catalogue, Context(date(2026, 6, 30)))
ask_together(host.recommending.guarded(None), batch)
print("asked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def apart(plugin_folder, request):
    """Return a function: a host of sources' plugins alone, each in a process of its own."""

    def make(sources=None, memory_mb=512, **plugins):
        own = {"sources": sources} if sources else {}
        isolation = Isolation("process", memory_mb=memory_mb)
        host = PluginHost.load([plugin_folder(**plugins)], shipped=(), isolation=isolation, **own)
        request.addfinalizer(host.close)
        assert [plugin.error for plugin in host.plugins if plugin.name in plugins] == [None] * len(plugins)
        return host

    return make


@pytest.fixture
def asked(batch, person, catalogue):
    return lambda **changes: batch([person()], catalogue("A", "B"), **changes)


def answered(recommender, batch):
    """What is proposed to the one customer of a batch: score and text by product."""
    return told(recommender.propose(batch), batch)


def told(found, batch):
    return {
        batch.catalogue.codes[column]: (float(found.scores[0, column]), reason and reason.text[Language.EN])
        for column in np.flatnonzero(~np.isnan(found.scores[0])).tolist()
        for reason in [found.reason(0, column)]
    }


def is_alive(pid):
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_settings_reach_it_secrets_too_and_so_does_a_change(apart, asked):
    sources = Sources({"mine": {"score": 0.25}}, {"GUANXI_PLUGIN_MINE_KEY": "its secret"})
    host = apart(sources, mine=SETTINGS)
    assert answered(host.recommenders()[0], asked()) == {"A": (0.25, "its secret")}

    host.take_settings({"mine": StoredSettings("mine", 1, {"score": 0.75, "place": {"code": "B"}})})
    assert answered(host.recommenders()[0], asked()) == {"B": (0.75, "its secret")}
    host.take_settings({})
    assert answered(host.recommenders()[0], asked()) == {"A": (0.25, "its secret")}


def test_settings_reach_one_that_was_ended_and_started_anew(apart, asked):
    host = apart(Sources({"mine": {"score": 0.25}}), mine=SETTINGS)
    before = answered(host.recommenders()[0], asked())
    host.close()
    after = []

    def answers():
        with suppress(Omitted):  # it is being started
            after.append(answered(host.recommenders()[0], asked()))
        return after

    wait_until(answers)
    assert after == [before] == [{"A": (0.25, "none")}]


def test_what_was_learnt_reaches_it_and_stays_when_settings_change(apart, asked):
    host, codes = apart(mine=LEARNER), ("B", "A")
    arrays, others = {"best": np.array([0.5, 0.25])}, {"best": np.array([0.125, 0.75])}

    def learnt(arrays):
        return host.recommenders()[0].with_arrays(arrays, codes)

    first = learnt(arrays)
    assert answered(first, asked()) == {"A": (0.25, None), "B": (0.5, None)}
    assert answered(learnt(others), asked()) == {"A": (0.75, None), "B": (0.125, None)}
    assert answered(first, asked()) == {"A": (0.25, None), "B": (0.5, None)}

    host.take_settings({"mine": StoredSettings("mine", 1, {"factor": 0.5})})
    assert answered(learnt(arrays), asked()) == {"A": (0.125, None), "B": (0.25, None)}
    assert answered(first, asked()) == {"A": (0.25, None), "B": (0.5, None)}, "it was made under the settings before"


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        ({"unlock": "object()"}, "TypeError: gave a refusal whose unlock is no text in each language"),
        ({"unlock": "'x' * 10**7"}, "ValueError: gave a refusal of more than 10000 characters"),
        ({"key": "('de', 'AT')"}, None),
    ],
    ids=["no text", "too long", "a language that nobody asks for"],
)
def test_what_a_gate_there_says_that_cannot_be_told_is_its_failure_and_the_process_lives_on(
    apart, asked, capfd, gives, said
):
    host = apart(odd=ODD.format(**{"key": "'zh'", "unlock": "'Open it.'", "by": "'odd'"} | gives))
    [gate], batch = host.gates(), asked()
    before, told, after = (gate.explain(batch.customers[0], batch.catalogue[code]) for code in "ABA")

    assert host.plugins[0].error == said
    assert told.saw == ("unknown" if said else "it")
    assert before == after, "another process answers"
    assert capfd.readouterr() == ("", "")


def test_a_gate_there_that_gives_no_mask_is_told_of_as_it_is_here(apart, asked, plugin_folder):
    sources = {"gate": GATE.replace("return batch.held", "return batch.held * 1")}
    told = []
    for host in (apart(**sources), PluginHost.load([plugin_folder(**sources)], shipped=())):
        assert host.gates()[0].refuses(asked()).all()
        told.append((host.plugins[0].error, host.plugins[0].last_place))

    assert told == [("TypeError: gave int64, not booleans",) * 2] * 2


def test_a_reason_there_of_what_is_no_text_is_a_failure(apart, asked):
    host = apart(odd=ODD.format(key="'zh'", unlock="'Open it.'", by="['x']"))

    assert answered(host.recommending.guarded(None)[0], asked()) == {"A": (0.0, None), "B": (0.0, None)}
    assert host.recommending.infos()[0].last_error == "TypeError: gave a reason with list in place of a text"


def test_an_answer_that_json_cannot_say_is_the_calls_failure():
    host, own = socket.socketpair()
    with host, own:
        send(host, {"do": "anything", "seconds": PATIENCE})
        working._answer(own, SimpleNamespace(do=lambda *_: ({"it": object()}, b"body")))
        told, body = receive(host)

    assert (told["failed"]["kind"], body) == ("TypeError", b"")


def test_a_gate_there_refuses_and_explains_as_it_does_here(apart, batch, person, catalogue, plugin_folder):
    there = apart(gate=GATE).gates()[0]
    here = PluginHost.load([plugin_folder(gate=GATE)], shipped=()).gates()[0]
    shelf = catalogue("A", "B")
    many = batch([person(holds=("B",)), person("C2")], shelf)

    assert there.refuses(many).tolist() == here.refuses(many).tolist() == [[False, True], [False, False]]
    assert there.explain(many.customers[0], shelf["B"]).text[Language.EN] == "Has B."
    assert there.explain(many.customers[0], shelf["B"]) != there.explain(many.customers[1], shelf["B"])
    assert there.explain(many.customers[0], shelf["B"]) == here.explain(many.customers[0], shelf["B"])


def test_without_identifiers_it_sees_no_true_number_and_its_paths_have_it(apart, batch, person, catalogue):
    [nosy] = apart(nosy=NOSY).recommenders()
    found = nosy.propose(
        batch(
            [person("C-OWN", relations=(Relation("C-SPOUSE", RelationKind.SPOUSE, outgoing=True),))],
            catalogue("A", "B"),
        )
    )

    said = found.reason(0, 0).text[Language.EN].split()
    assert len(said) == 2
    assert all(number.startswith("~") for number in said)
    assert found.reason(0, 0).path == ("C-OWN", "HAS", "A")
    assert found.reason(0, 1).path == ("C-OWN", "PROPOSED_BY", "nosy", "OFFERS", "B")


def test_what_its_reasons_say_comes_in_the_types_that_are_registered_here(apart, asked, plugin_folder):
    [there] = apart(facts=FACTS).recommenders()
    [here] = PluginHost.load([plugin_folder(facts=FACTS)], shipped=()).recommenders()
    found = [own.propose(asked()).reason(0, 0).facts for own in (there, here)]
    assert repr(found[0]) == repr(found[1]) == "Stay(since=datetime.date(2026, 2, 28), ward=<Ward.NORTH: 'north'>)"
    assert there.propose(asked()).reason(0, 1).facts is None


def test_a_hurried_caller_ends_nothing(apart, asked):
    host = apart(slow=SLOW)
    [slow] = host.recommending.guarded(None)
    before = answered(slow, asked())

    with pytest.raises(Omitted):
        slow.propose(asked(budget_ms=50))
    assert answered(slow, asked()) == before, "another process answers"
    assert [info.failures for info in host.recommending.infos()] == [0]


WORDY = """
import time
import numpy as np
from guanxi import Candidates, Language, Reason, hookimpl

class Wordy:
    name, version = "wordy", "1"
    def propose(self, batch):
        time.sleep(0.1)
        text = dict.fromkeys(Language, 9_000 * "x")
        return Candidates(np.full(batch.shape, 0.5, np.float32), lambda row, column: Reason("wordy", ("a",), text))

@hookimpl
def recommenders(register):
    register(Wordy())
"""


def test_an_answer_that_nobody_waits_for_is_kept_for_the_next(apart, person, catalogue, batch, budget):
    budget(1.0)
    host, many = apart(wordy=WORDY), [person(f"C{number}") for number in range(30)]
    [wordy] = host.recommending.guarded(None)
    host.wait()

    with pytest.raises(Omitted):
        wordy.propose(batch(many, catalogue("A", "B"), budget_ms=20))
    time.sleep(1 + GRACE_SECONDS + 1)

    assert not np.isnan(wordy.propose(batch(many, catalogue("A", "B"))).scores).any()
    assert [info.failures for info in host.recommending.infos()] == [0]


def test_a_host_that_nobody_has_any_more_ends_its_processes_at_once(plugin_folder):
    host = PluginHost.load([plugin_folder(slow=SLOW)], shipped=(), isolation=Isolation("process"))
    host.wait()
    [worker] = host._workers.values()
    gone, process = weakref.ref(host), worker._end.peek()[2][0]
    host.recommending.guarded(None)
    del worker
    gc.disable()
    try:
        del host
        assert gone() is None
        assert process.poll() is not None
    finally:
        gc.enable()


@pytest.fixture
def left_behind(apart, asked, tmp_path):
    """Return a function: a host, its gate, and what has a recommender raise that a hurried caller did not wait for."""

    def make():
        go = tmp_path / "go"
        host = apart(late=LATE.format(go=str(go)))
        [late], [gate] = host.recommending.guarded(None), host.gates()
        assert not gate.refuses(asked()).any()
        with pytest.raises(Omitted):
            late.propose(asked(budget_ms=50))
        return host, gate, go.touch

    return make


def healths(host):
    return [info.failures for info in host.recommending.infos()], [(info.state, info.failures) for info in host.plugins]


def test_what_one_raises_after_its_caller_left_is_its_own_failure_and_not_the_next_callers(left_behind, asked):
    host, gate, let_go = left_behind()
    let_go()

    assert not gate.refuses(asked()).any()
    assert healths(host) == ([1], [("loaded", 0)])
    assert host.recommending.infos()[0].last_error == "ValueError: not today"


def test_one_that_never_ends_is_ended_and_counted_though_its_caller_left(left_behind, asked, budget, caplog):
    budget(2.0)
    host, gate, _ = left_behind()
    time.sleep(2.1)

    assert gate.refuses(asked()).all(), "its process is being started"
    assert healths(host) == ([1], [("loaded", 0)])
    assert "gate OPEN could not be asked, and refuses" in caplog.messages
    budget(PATIENCE)
    wait_until(lambda: not gate.refuses(asked()).any())
    assert healths(host) == ([1], [("loaded", 0)])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_one_that_is_closed_while_it_is_asked_stays_away_until_it_is_asked_again(apart, asked, tmp_path, monkeypatch):
    end = workers._end

    def ended(*arguments):
        end(*arguments)
        time.sleep(1.0)  # who asked hears of it meanwhile

    monkeypatch.setattr(workers, "_end", ended)
    pids = tmp_path / "pids"
    host = apart(noted=NOTED.format(waits="time.sleep(10_000)", at_import="", when_asked="pass", pids=str(pids)))
    [noted] = host.recommending.guarded(None)
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(noted.propose, asked())
        wait_until(pids.with_suffix(".asked").exists)
        host.close()
        with pytest.raises(Omitted):
            answer.result(PATIENCE)
    time.sleep(2.0)  # one that came back would be there by now
    assert not any(map(is_alive, {int(line) for line in pids.read_text().split()} - {os.getpid()}))
    assert healths(host)[0] == [0], "it did nothing wrong"

    with pytest.raises(Omitted):
        noted.propose(asked())
    host.wait()
    assert is_alive(int(pids.read_text().split()[-1]))


def best(found):
    """The best score that each gave; None of one that had no say."""
    return [None if one is None else float(np.nanmax(one.scores)) for one in found]


def test_processes_work_at_the_same_time(apart, asked, monkeypatch, tmp_path):
    monkeypatch.setattr(calls, "AT_ONCE", 2)
    names = ("one", "other")
    own = apart(**{
        own: MEETING.format(own=own, other=other, folder=str(tmp_path))
        for own, other in zip(names, reversed(names), strict=True)
    }).recommending.guarded(None)  # fmt: skip
    batch = asked()
    for name in names:
        (tmp_path / name).touch()
    assert best(ask_together(own, batch)) == [0.5, 0.5]  # now they have the catalogue
    for name in names:
        (tmp_path / name).unlink()

    assert best(ask_together(own, batch)) == [0.5, 0.5]


def test_no_more_work_at_the_same_time_than_there_are_cores(apart, asked, monkeypatch, tmp_path):
    monkeypatch.setattr(calls, "AT_ONCE", 1)
    turns, batch = tmp_path / "turns", asked()
    own = apart(**{name: TURNS.format(own=name, turns=str(turns)) for name in ("one", "other")}).recommending.guarded(
        None
    )

    assert [best(ask_together(own, batch)) for _ in range(2)] == [[0.5, 0.5]] * 2
    assert turns.read_text().split() == ["begins", "ends"] * 4


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_cores_that_this_process_may_not_use_do_not_count():
    source = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]);"
        "from plugins.isolation.calls import AT_ONCE; print(AT_ONCE)"
    )
    told = subprocess.run([sys.executable, "-c", source], capture_output=True, check=True)
    assert told.stdout.split() == [b"1"]


def test_one_that_must_be_given_something_first_is_asked_when_no_other_is(apart, asked, monkeypatch, tmp_path):
    heard, batch = tmp_path / "heard", asked()
    host = apart(mine=HESITANT.replace("{heard!r}", repr(str(heard))), quick=PAIR.format(name="quick", does="pass"))
    mine, quick, _ = sorted(host.recommenders(), key=lambda one: one.name)
    assert best([quick.propose(batch)]) == [0.25]  # now it has the catalogue
    hear = Call.hear

    def noted(call):
        hear(call)
        heard.touch()

    monkeypatch.setattr(Call, "hear", noted)
    monkeypatch.setattr(calls, "AT_ONCE", 2)
    learnt = mine.with_arrays({"best": np.array([0.5, 0.125])}, ("A", "B"))
    asks = [quick.call(batch), learnt.call(batch)]
    do_at_once(asks)
    assert best([one.answered(batch, ask) for one, ask in zip((quick, learnt), asks, strict=True)]) == [0.25, 0.5]


@pytest.mark.parametrize("does", [ENDLESS, "os._exit(3)", "raise ValueError", "yield 3"])
def test_what_others_answer_is_the_same_to_the_bit_beside_one_that_fails(apart, asked, monkeypatch, does):
    monkeypatch.setattr(calls, "AT_ONCE", 2)
    host = apart(bad="import os\n" + PAIR.format(name="bad", does=does), **{
        name: PAIR.format(name=name, does="pass") for name in "abc"
    })  # fmt: skip
    own = host.recommending.guarded(None)
    alone = [answered(one, asked()) for one in own if one.name != "bad-right"]
    begin = Worker.begin

    def begun(worker, patience, seconds, hurry, given, work, name, *arguments):
        if name == "bad-right":
            seconds = hurry = 0.5
        return begin(worker, patience, seconds, hurry, given, work, name, *arguments)

    monkeypatch.setattr(Worker, "begin", begun)
    found = ask_together(own, asked())
    assert [one.name for one, given in zip(own, found, strict=True) if given is None] == ["bad-right"]
    assert [told(one, asked()) for one in found if one is not None] == alone
    assert [info.name for info in host.recommending.infos() if info.failures] == ["bad-right"]


def test_callers_who_ask_in_different_orders_wait_for_each_other_and_not_for_ever(apart, asked, monkeypatch):
    monkeypatch.setattr(calls, "AT_ONCE", 2)
    host = apart(**{name: PAIR.format(name=name, does="pass") for name in "abc"})
    own = host.recommending.guarded(None)
    with ThreadPoolExecutor(4) as callers:
        orders = [own, own[::-1], own[2:] + own[:2], own[1:] + own[:1]] * 25
        found = list(callers.map(lambda order: best(ask_together(order, asked())), orders))
    assert found == [[0.25 if one.name.endswith("left") else 0.75 for one in order] for order in orders]


def test_those_that_a_hurried_caller_leaves_are_waited_for_by_the_next(apart, asked, monkeypatch):
    monkeypatch.setattr(calls, "AT_ONCE", 2)
    host = apart(slow=SLOW, quick=PAIR.format(name="quick", does="pass"))
    own = sorted(host.recommending.guarded(None), key=lambda one: one.name)
    assert best(ask_together(own, asked())) == [0.25, 0.75, 0.5]
    assert best(ask_together(own, asked(budget_ms=500))) == [0.25, 0.75, None]
    assert best(ask_together(own, asked())) == [0.25, 0.75, 0.5]
    assert [info.failures for info in host.recommending.infos()] == [0, 0, 0]


CHILD = "note(subprocess.Popen(['sleep', '10000']).pid)"
IN_A_GROUP_OF_ITS_OWN = CHILD.replace("])", "], start_new_session=True)")
IN_C = "ctypes.PyDLL(None).sleep(10_000)  # holds Python's lock"


@pytest.mark.parametrize(
    "own",
    [
        pytest.param({}, id="idle"),
        pytest.param({"waits": ENDLESS}, id="in an endless loop"),
        pytest.param({"waits": IN_C}, id="in C"),
        pytest.param({"waits": f"signal.signal(signal.SIGTERM, signal.SIG_IGN); {IN_C}"}, id="deaf"),
        pytest.param({"at_import": "if 'beginning' in str(__import__('sys').argv): wait()", "waits": IN_C}, id="imported"),
        pytest.param({"when_asked": "threading.Thread(target=time.sleep, args=[10_000]).start()"}, id="a thread left"),
        pytest.param({"when_asked": "os.fork() or note()", "waits": ENDLESS}, id="forked"),
        pytest.param({"when_asked": CHILD}, id="a child left"),
        pytest.param({"when_asked": CHILD, "waits": IN_C}, id="a child left in C"),
        pytest.param({"when_asked": IN_A_GROUP_OF_ITS_OWN}, id="a child that left"),
    ],
)  # fmt: skip
def test_it_ends_with_its_host_however_that_ends(plugin_folder, tmp_path, own):
    pids = tmp_path / "pids"
    source = NOTED.format(**{"waits": "pass", "at_import": "", "when_asked": "pass", "pids": str(pids)} | own)
    folder = plugin_folder(noted=source)
    host = subprocess.Popen([sys.executable, "-c", HOST, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        wait_until(pids.with_suffix(".asked").exists)
        own = {int(line) for line in pids.read_text().split()} - {host.pid}
        assert own
        assert all(map(is_alive, own))
    finally:
        os.kill(host.pid, signal.SIGKILL)
        host.communicate()
    wait_until(lambda: not any(map(is_alive, own)))


@pytest.mark.parametrize("end", ["pass", "os._exit(3)", "os.kill(os.getppid(), signal.SIGKILL); time.sleep(10_000)"])
def test_what_it_has_started_ends_with_it(apart, asked, tmp_path, end):
    pids = tmp_path / "pids"
    host = apart(noted=NOTED.format(waits=end, at_import="", when_asked=CHILD, pids=str(pids)))

    with suppress(Foreign):
        host.recommenders()[0].propose(asked())
    host.close()
    own = {int(line) for line in pids.read_text().split()} - {os.getpid()}
    assert len(own) == 2
    wait_until(lambda: not any(map(is_alive, own)))


REAPED = HOST.replace("import sys\n", "import ctypes, os, sys\nctypes.CDLL(None).prctl(36, 1)  # orphans are its own\n").replace(
    "sys.stdin.read()", """
host.close()
try:
    print(os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    print("none")
""")  # fmt: skip


@pytest.mark.parametrize("end", ["pass", "os._exit(3)", "os.kill(os.getppid(), signal.SIGSTOP)"])
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives orphans to another")
def test_none_that_ended_is_left_to_be_waited_for_by_who_runs_all(plugin_folder, tmp_path, end):
    pids = tmp_path / "pids"
    source = NOTED.format(waits=end, at_import="", when_asked=CHILD, pids=str(pids))
    told = subprocess.run([sys.executable, "-c", REAPED, plugin_folder(noted=source)], capture_output=True, check=False)
    assert told.stdout.split() == [b"asked", b"none"]
    assert not any(map(is_alive, map(int, pids.read_text().split())))


def test_one_that_ends_is_told_in_one_line(apart, asked, tmp_path, caplog):
    host = apart(noted=NOTED.format(waits="os._exit(3)", at_import="", when_asked="pass", pids=str(tmp_path / "pids")))

    with pytest.raises(Omitted):
        host.recommending.guarded(None)[0].propose(asked())
    assert [(record.getMessage(), record.exc_info) for record in caplog.records] == [
        ("recommender noted failed: ProcessEnded", None)
    ]


def test_threads_take_no_more_of_its_memory_than_they_use(apart, asked):
    host = apart(spread=SPREAD)

    assert answered(host.recommending.guarded(None)[0], asked()) == {"A": (0.5, None)}


def test_what_is_too_big_to_be_taken_in_ends_it_without_a_word(apart, asked, capfd):
    learner = apart(memory_mb=64, mine=LEARNER).recommenders()[0]

    with pytest.raises(Foreign, match="of too little memory"):
        learner.with_arrays({"best": np.zeros(2**24)}, ("A",)).propose(asked())
    assert capfd.readouterr() == ("", "")
