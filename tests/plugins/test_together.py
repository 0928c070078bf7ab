"""Plugins that are asked in one thread: what each gives, and that what one does is its own."""

import threading
import time

import numpy as np
import pytest

from plugins.isolation import budgets
from plugins.isolation.guard import FAILURES_TO_OPEN, GuardedRecommender, Health
from plugins.isolation.together import ask_together
from recommenders.contract import Candidates

WAIT = 60


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


@pytest.fixture(autouse=True)
def budget(monkeypatch):
    """Return a function that sets how many seconds a plugin has; however slow the machine, it is enough at first."""
    monkeypatch.setattr(budgets, "BUDGET_SECONDS", float(WAIT))
    return lambda seconds: monkeypatch.setattr(budgets, "BUDGET_SECONDS", seconds)


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


def wait_until(check):
    deadline = time.monotonic() + WAIT
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.01)


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

    budget(float(WAIT))
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


def test_one_that_answers_somebody_else_meanwhile_has_no_say_and_no_failure(guards, asked, gone):
    begun = threading.Event()
    own, healths = guards(nothing, lambda: begun.set() or gone.wait(), nothing)
    other = threading.Thread(target=ask_together, args=(own, asked()))
    other.start()
    begun.wait(WAIT)
    assert scores(ask_together(own, asked())) == [0.125, None, 0.375]
    gone.set()
    other.join(WAIT)
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


def test_where_the_caller_is_in_a_hurry_each_has_a_thread_of_its_own(guards, asked):
    own, _ = guards(nothing, nothing)
    assert scores(ask_together(own, asked(budget_ms=1000 * WAIT))) == [0.125, 0.25]
    assert own[0].inner.threads != own[1].inner.threads
