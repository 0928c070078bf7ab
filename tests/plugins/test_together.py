"""Plugins that are asked in one thread: what each gives, and that what one does is its own."""

import sys
import threading
import time
from functools import partial

import numpy as np
import pytest

from plugins.functions import FunctionRecommender
from plugins.isolation.guard import FAILURES_TO_OPEN, GuardedRecommender, Health
from plugins.isolation.together import ask_together
from plugins.narrowing import NarrowedFunction
from recommenders.contract import Candidates, Proposal
from recommenders.sight import Sight
from tests.waiting import PATIENCE, wait_until


class Doing:
    """Does something, and then proposes everything with its score; keeps which threads it was asked in."""

    version = "1"

    def __init__(self, name, score, does):
        self.name = name
        self.score = score
        self.does = does
        self.threads = []

    def propose(self, batch):
        self.threads.append(threading.current_thread())
        self.does()
        return Candidates(np.full(batch.shape, self.score, np.float32), lambda *_: None)


@pytest.fixture
def asked(batch, person, catalogue):
    return lambda **changes: batch([person()], catalogue("A", "B"), **changes)


@pytest.fixture
def gone():
    """Is set when what waits for it may go on."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def guards():
    """Return a function: guarded plugins that do what is said, each with the score of its place, and their healths."""

    def make(*does, **changes):
        healths = [Health() for _ in does]
        inner = [Doing(f"own-{place}", (1 + place) / 8, do) for place, do in enumerate(does)]
        own = [
            GuardedRecommender(one, health, **{"trusted": False} | changes)
            for one, health in zip(inner, healths, strict=True)
        ]
        return own, healths

    return make


def scores(found):
    return [None if one is None else float(one.scores[0, 0]) for one in found]


def nothing():
    return None


def raises(error):
    def does():
        raise error

    return does


def test_they_give_what_each_gives_alone_from_one_thread_that_is_kept(guards, asked):
    own, healths = guards(nothing, nothing, nothing)
    assert scores(ask_together(own, asked())) == [0.125, 0.25, 0.375]
    assert scores(ask_together(own, asked())) == scores(one.propose(asked()) for one in own)

    [thread] = {thread for one in own for thread in one.inner.threads[:2]}
    assert thread is not threading.current_thread()
    assert [(health.calls, health.failures) for health in healths] == [(3, 0)] * 3
    assert all(health.seconds > 0 for health in healths)


@pytest.mark.parametrize(
    "error", [ValueError("not today"), SystemExit(3), KeyboardInterrupt(), TimeoutError("its own")]
)
def test_what_one_raises_is_its_own_failure(guards, asked, error):
    own, healths = guards(nothing, raises(error), nothing)
    assert scores(ask_together(own, asked())) == [0.125, None, 0.375]
    assert [health.failures for health in healths] == [0, 1, 0]


def test_one_that_takes_too_long_is_left_and_those_after_it_answer(guards, asked, budget, gone):
    own, healths = guards(nothing, gone.wait, nothing, nothing)
    budget(0.5)
    assert scores(ask_together(own, asked())) == [0.125, None, 0.375, 0.5]
    assert [health.failures for health in healths] == [0, 1, 0, 0]
    assert healths[1].last_error.startswith("TimeoutError: took longer than 5")
    assert [one.state for one in own] == ["ready", "busy", "ready", "ready"]
    assert own[2].inner.threads == own[3].inner.threads != own[0].inner.threads

    budget(float(PATIENCE))
    assert scores(ask_together(own, asked())) == [0.125, None, 0.375, 0.5]
    assert len(own[1].inner.threads) == 1, "it is not asked while it is busy"
    gone.set()
    wait_until(lambda: own[1].state == "failing")
    assert scores(ask_together(own, asked())) == [0.125, 0.25, 0.375, 0.5]
    assert [len(one.inner.threads) for one in own] == [3, 2, 3, 3]


def test_several_that_take_too_long_are_left_each(guards, asked, budget, gone):
    own, healths = guards(gone.wait, gone.wait, nothing, gone.wait)
    budget(0.5)
    assert scores(ask_together(own, asked())) == [None, None, 0.375, None]
    assert [health.failures for health in healths] == [1, 1, 0, 1]


def test_all_have_their_time_though_together_they_take_longer_than_one_has(guards, asked, budget):
    own, healths = guards(*[lambda: time.sleep(0.3)] * 5)
    budget(1.0)
    assert scores(ask_together(own, asked())) == [0.125, 0.25, 0.375, 0.5, 0.625]
    assert [health.failures for health in healths] == [0] * 5


def test_one_that_answers_somebody_else_meanwhile_has_its_say(guards, asked, gone):
    begun, others = threading.Event(), []
    own, healths = guards(nothing, lambda: begun.is_set() or begun.set() or gone.wait(PATIENCE), nothing)
    other = threading.Thread(target=lambda: others.extend(scores(ask_together(own, asked()))))
    other.start()
    begun.wait(PATIENCE)
    assert scores(ask_together(own, asked())) == [0.125, 0.25, 0.375]
    gone.set()
    other.join(PATIENCE)
    assert others == [0.125, 0.25, 0.375]
    assert [health.failures for health in healths] == [0, 0, 0]


def test_one_that_is_switched_off_is_not_asked(guards, asked):
    own, _ = guards(nothing, raises(ValueError()))
    for _ in range(FAILURES_TO_OPEN + 2):
        assert scores(ask_together(own, asked())) == [0.125, None]
    assert len(own[1].inner.threads) == FAILURES_TO_OPEN


def test_one_that_is_trusted_is_asked_where_it_is(guards, asked):
    own, _ = guards(nothing, nothing, trusted=True)
    assert scores(ask_together(own, asked())) == [0.125, 0.25]
    assert own[0].inner.threads == own[1].inner.threads == [threading.current_thread()]


@pytest.mark.parametrize("trusted", [True, False])
def test_where_the_caller_is_in_a_hurry_all_are_asked_in_one_thread_too(guards, asked, trusted):
    own, healths = guards(nothing, nothing, trusted=trusted)
    assert scores(ask_together(own, asked(budget_ms=1000 * PATIENCE))) == [0.125, 0.25]
    [thread] = {thread for one in own for thread in one.inner.threads}
    assert thread is not threading.current_thread()
    assert [health.calls for health in healths] == [1, 1]


@pytest.mark.parametrize("trusted", [True, False])
def test_who_takes_longer_than_the_caller_waits_is_left_without_a_failure(guards, asked, gone, trusted):
    own, healths = guards(nothing, gone.wait, nothing, trusted=trusted)
    assert scores(ask_together(own, asked(budget_ms=500))) == [0.125, None, 0.375]
    assert [(health.calls, health.failures) for health in healths] == [(1, 0)] * 3
    assert [one.state for one in own] == ["ready", "busy", "ready"]


def test_one_of_the_banks_own_that_still_runs_is_asked_again_beside_that(guards, asked, gone):
    own, _ = guards(lambda: len(own[0].inner.threads) == 1 and gone.wait(), trusted=True)
    assert scores(ask_together(own, asked(budget_ms=500))) == [None]
    assert scores(ask_together(own, asked(budget_ms=1000 * PATIENCE))) == [0.125]


def test_one_of_the_banks_own_answers_though_it_has_begun_to_answer_another_in_a_hurry(guards, asked, gone):
    begun = threading.Event()
    own, _ = guards(lambda: other.start() or begun.wait(PATIENCE), lambda: begun.is_set() or begun.set() or gone.wait(),
                    trusted=True)  # fmt: skip
    hurried = asked(budget_ms=1000 * PATIENCE)
    other = threading.Thread(target=ask_together, args=(own[1:], hurried))
    assert scores(ask_together(own, hurried)) == [0.125, 0.25]
    gone.set()
    other.join(PATIENCE)


def test_a_plugins_own_budget_holds_though_the_caller_waits_longer_and_one_before_it_may_too(
    guards, asked, budget, gone
):
    [banks], _ = guards(lambda: time.sleep(0.8), trusted=True)
    [runaway], [health] = guards(lambda: gone.wait(PATIENCE / 2))
    runaway.name = "runaway"
    budget(0.5)
    assert scores(ask_together([banks, runaway], asked(budget_ms=1000 * PATIENCE))) == [0.125, None]
    assert health.last_error.startswith("TimeoutError: took longer than 5")


def test_a_timeout_of_its_own_is_a_failure_though_the_caller_is_in_a_hurry(guards, asked):
    own, [health] = guards(raises(TimeoutError("its own")))
    assert scores(ask_together(own, asked(budget_ms=500))) == [None]
    assert health.last_error == "TimeoutError: its own"


def says(code, score):
    return lambda customer: [Proposal(code, score, f"{customer.customer_no}: {code}")]


@pytest.fixture
def functions():
    """Return a function: guarded functions, among them one that is given, and their healths."""

    def make(failing=None):
        said = {"a": says("A", 0.1), "b": says("B", np.float64(1 / 3)), "failing": failing, "c": says("A", 1)}
        inner = [FunctionRecommender(name, "1", one) for name, one in said.items() if one]
        inner.append(NarrowedFunction(FunctionRecommender("d", "1", says("B", 0)), Sight.of(None)))
        healths = [Health() for _ in inner]
        own = [GuardedRecommender(one, health, trusted=False) for one, health in zip(inner, healths, strict=True)]
        return own, healths

    return make


def told(found):
    """All that candidates are, to the bit."""
    places = np.argwhere(~np.isnan(found.scores)).tolist()
    return found.scores.tobytes(), [
        (place, found.reason(*place).text, found.reason(*place).path[2:]) for place in places
    ]


def endless(gone, _):
    while not gone.is_set():
        yield Proposal("A", 0.9)


FAILING = {
    "raises": lambda _: 1 / 0,
    "raises after it proposed": lambda _: (Proposal("AB"[place], 0.9 / (1 - place)) for place in range(2)),
    "ends the process": lambda _: sys.exit(3),
    "gives nan": lambda _: [Proposal("A", 0.9), Proposal("B", float("nan"))],
    "gives infinity": lambda _: [Proposal("A", 0.9), Proposal("B", float("inf"))],
    "gives too much": lambda _: [Proposal("A", 0.9), Proposal("B", 1.01)],
    "gives a text as score": lambda _: [Proposal("A", "0.9")],
    "gives no proposal": lambda _: [Proposal("A", 0.9), "B"],
    "gives no list": lambda _: 3,
    "gives an unknown product": lambda _: [Proposal("A", 0.9), Proposal("MOON", 0.5)],
    "gives what is no product code": lambda _: [Proposal([], 0.5)],
    "goes on for ever": endless,
}


@pytest.mark.parametrize("failing", FAILING.values(), ids=FAILING)
def test_what_other_functions_say_is_the_same_to_the_bit_beside_one_that_fails(functions, asked, budget, gone, failing):
    if failing is endless:
        failing = partial(endless, gone)
        budget(0.5)
    alone = [told(one.propose(asked())) for one in functions()[0]]
    assert len({scores for scores, _ in alone}) == 4
    own, healths = functions(failing)

    found = ask_together(own, asked())
    assert found.pop(2) is None
    assert [health.failures for health in healths] == [0, 0, 1, 0, 0]
    assert [told(one) for one in found] == alone


def test_what_one_says_that_was_left_behind_changes_nothing(functions, asked, budget, gone):
    def late(_):
        gone.wait()
        yield Proposal("A", 0.9)
        yield Proposal("B", 0.9)

    own, _ = functions(late)
    budget(0.5)
    found = ask_together(own, asked())
    assert found.pop(2) is None
    before = [told(one) for one in found]
    gone.set()
    wait_until(lambda: own[2].state == "failing")
    assert [told(one) for one in found] == before
