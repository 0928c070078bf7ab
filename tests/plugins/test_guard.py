import threading

import numpy as np
import pytest

from graph.words import Language
from plugins.isolation.guard import FAILURES_TO_OPEN, MOST_TEXT, OPEN_SECONDS, GuardedRecommender, Health
from recommenders.contract import Candidates, Omitted, Reason


class Clock:
    """Tells the time it is told."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


class Moody:
    """Does what its mood says; ``takes`` is by how much the clock goes on meanwhile."""

    name = "moody"
    version = "1"

    def __init__(self, clock):
        self.clock = clock
        self.mood = None
        self.takes = 0.0
        self.calls = 0

    def propose(self, batch):
        self.calls += 1
        self.clock.now += self.takes
        if self.mood:
            raise self.mood
        return Candidates(np.full(batch.shape, 0.5, np.float32), lambda *_: None)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def moody(clock):
    return Moody(clock)


@pytest.fixture
def health():
    return Health()


@pytest.fixture
def guarded(moody, health, clock):
    return GuardedRecommender(moody, health, trusted=False, clock=clock)


@pytest.fixture
def asked(batch, person, catalogue):
    return batch([person()], catalogue("A", "B"))


def ask(guarded, asked, times=1):
    """Ask so many times; returns why it was omitted each time, None where it was not."""
    said = []
    for _ in range(times):
        try:
            guarded.propose(asked)
        except Omitted as omission:
            said.append(str(omission))
        else:
            said.append(None)
    return said


def test_what_works_is_handed_on(guarded, asked):
    assert (guarded.propose(asked).scores == 0.5).all()
    assert guarded.state == "ready"
    assert (guarded.name, guarded.version) == ("moody", "1")


def test_after_three_failures_in_a_row_it_is_off_and_not_called(guarded, moody, asked):
    moody.mood = RuntimeError("not today")

    said = ask(guarded, asked, FAILURES_TO_OPEN + 2)

    assert said == ["moody: not today"] * 3 + ["moody: off"] * 2
    assert (guarded.state, moody.calls) == ("off", 3)


def test_two_failures_and_a_success_begin_the_count_anew(guarded, moody, asked):
    for mood in (RuntimeError(), RuntimeError(), None, RuntimeError(), RuntimeError()):
        moody.mood = mood
        ask(guarded, asked)

    assert guarded.state == "failing"
    moody.mood = None
    assert ask(guarded, asked) == [None]
    assert guarded.state == "ready"


@pytest.mark.parametrize(("later", "state", "calls"), [(OPEN_SECONDS - 0.001, "off", 3), (OPEN_SECONDS, "ready", 4)])
def test_it_is_tried_again_after_thirty_seconds(guarded, moody, clock, asked, later, state, calls):
    moody.mood = RuntimeError()
    ask(guarded, asked, 3)
    moody.mood = None

    clock.now += later
    ask(guarded, asked)

    assert OPEN_SECONDS == 30
    assert (guarded.state, moody.calls) == (state, calls)


def test_one_failure_on_the_second_try_switches_it_off_again(guarded, moody, clock, asked):
    moody.mood = RuntimeError("still not")
    ask(guarded, asked, 3)
    clock.now += OPEN_SECONDS

    assert ask(guarded, asked, 2) == ["moody: still not", "moody: off"]


def test_calls_failures_and_time_are_counted(guarded, moody, health, asked):
    moody.takes = 0.02
    ask(guarded, asked, 3)
    moody.mood, moody.takes = KeyError("x"), 0.06
    ask(guarded, asked)

    assert (health.calls, health.failures, health.since_success) == (4, 1, 1)
    assert health.mean_ms == pytest.approx(30)
    assert health.last_error == "KeyError: 'x'"


def test_calls_not_made_are_not_counted(guarded, moody, health, asked):
    moody.mood = RuntimeError()

    ask(guarded, asked, 9)

    assert (health.calls, health.failures) == (3, 3)


def test_health_outlives_the_guard(moody, health, clock, asked):
    moody.mood = RuntimeError()
    ask(GuardedRecommender(moody, health, trusted=False, clock=clock), asked, 3)

    assert GuardedRecommender(moody, health, trusted=False, clock=clock).state == "off"


def scores_of(scores):
    return lambda _: Candidates(scores, lambda *_: None)


GIVEN = {
    "nothing": (lambda _: None, "TypeError: gave NoneType, not Candidates"),
    "scores alone": (lambda batch: np.zeros(batch.shape, np.float32), "TypeError: gave ndarray, not Candidates"),
    "scores as lists": (scores_of([[0.1, 0.2]]), "ValueError: gave scores of shape None, not (1, 2)"),
    "too few columns": (scores_of(np.zeros((1, 1), np.float32)), "ValueError: gave scores of shape (1, 1), not"),
    "one row for all": (scores_of(np.zeros(2, np.float32)), "ValueError: gave scores of shape (2,), not"),
    "infinity": (scores_of(np.array([[np.inf, 0.1]])), "ValueError: gave scores that are no finite numbers"),
    "more than 1": (scores_of(np.array([[np.nan, 1.7]])), "ValueError: gave scores that are not from 0 to 1"),
    "less than 0": (scores_of(np.array([[-0.1, 0.5]])), "ValueError: gave scores that are not from 0 to 1"),
    "text": (scores_of(np.array([["a", "b"]])), "ValueError: gave scores that are no finite numbers"),
    "objects": (scores_of(np.array([[None, 1]])), "ValueError: gave scores that are no finite numbers"),
}


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize(("propose", "error"), GIVEN.values(), ids=GIVEN)
def test_what_is_no_candidates_of_the_batch_is_a_failure(moody, health, clock, asked, propose, error, trusted):
    moody.propose = propose
    guarded = GuardedRecommender(moody, health, trusted=trusted, clock=clock)

    with pytest.raises(Omitted):
        guarded.propose(asked)

    assert health.failures == 1
    assert health.last_error.startswith(error)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=lambda error: type(error).__name__)  # fmt: skip
def test_what_would_end_the_process_is_a_failure(guarded, moody, health, asked, error):
    moody.mood = error

    with pytest.raises(Omitted, match="moody"):
        guarded.propose(asked)

    assert type(error).__name__ in health.last_error


def test_one_that_is_too_slow_is_left_behind_and_skipped_until_it_is_done(moody, health, batch, person, catalogue):
    released, answered = threading.Event(), threading.Event()

    def wait(batch):
        released.wait()
        answered.set()
        return Candidates(np.zeros(batch.shape, np.float32), lambda *_: None)

    moody.propose = wait
    asked = batch([person()], catalogue("A"))
    guarded = GuardedRecommender(moody, health, trusted=False)

    assert ask(guarded, asked, 3) == ["moody: took longer than 110 ms", "moody: busy", "moody: busy"]
    assert (guarded.state, health.failures) == ("busy", 1)
    assert health.last_error == "TimeoutError: took longer than 110 ms"
    released.set()
    answered.wait()
    guarded._apart._running.result()
    assert guarded.state == "failing"


@pytest.mark.parametrize("trusted", [True, False])
def test_callers_in_a_hurry_do_not_take_it_from_the_others(moody, health, batch, person, catalogue, trusted):
    released = threading.Event()

    def wait(batch):
        released.wait()
        return Candidates(np.zeros(batch.shape, np.float32), lambda *_: None)

    moody.propose = wait
    guarded = GuardedRecommender(moody, health, trusted=trusted)

    hurried = ask(guarded, batch([person()], catalogue("A"), budget_ms=1), FAILURES_TO_OPEN)
    assert hurried[0] == "moody: took longer than 1 ms"
    assert (health.failures, health.last_error, guarded.state) == (0, None, "busy")
    released.set()
    guarded._apart._running.result()
    assert (guarded.state, ask(guarded, batch([person()], catalogue("A")))) == ("ready", [None])


def test_the_banks_own_answers_while_an_earlier_call_still_runs(moody, health, batch, person, catalogue):
    released = threading.Event()

    def wait(batch):
        if batch.context.budget_ms:
            released.wait()
        return Candidates(np.zeros(batch.shape, np.float32), lambda *_: None)

    moody.propose = wait
    guarded = GuardedRecommender(moody, health, trusted=True)

    said = [
        *ask(guarded, batch([person()], catalogue("A"), budget_ms=1)),
        *ask(guarded, batch([person()], catalogue("A"))),
    ]
    released.set()
    assert said == ["moody: took longer than 1 ms", None]


@pytest.mark.parametrize(
    ("customers", "asked_ms", "said"),
    [(1, None, "110 ms"), (3, None, "130 ms"), (1, 5, "5 ms"), (1, 60_000, "110 ms")],
)
def test_the_budget_grows_with_the_batch_and_a_request_may_only_lower_it(
    moody, health, batch, person, catalogue, customers, asked_ms, said
):
    released = threading.Event()
    moody.propose = lambda _: released.wait()
    asked = batch([person(f"C{number}") for number in range(customers)], catalogue("A"), budget_ms=asked_ms)

    assert ask(GuardedRecommender(moody, health, trusted=False), asked) == [f"moody: took longer than {said}"]
    released.set()


def test_the_banks_own_is_called_in_its_place_unless_the_request_has_a_budget(moody, health, batch, person, catalogue):
    threads = []

    def note(batch):
        threads.append(threading.current_thread())
        return Candidates(np.zeros(batch.shape, np.float32), lambda *_: None)

    moody.propose = note
    guarded = GuardedRecommender(moody, health, trusted=True)

    guarded.propose(batch([person()], catalogue("A")))
    guarded.propose(batch([person()], catalogue("A"), budget_ms=1_000))

    assert threads[0] is threading.current_thread()
    assert threads[1] is not threading.current_thread()


def test_a_reason_that_fails_is_left_out_and_counted(moody, health, clock, asked):
    def fail(row, column):
        raise LookupError(f"no reason for {row}, {column}")

    moody.propose = lambda batch: Candidates(np.zeros(batch.shape, np.float32), fail)
    guarded = GuardedRecommender(moody, health, trusted=False, clock=clock)

    assert guarded.propose(asked).reason(0, 1) is None
    assert (health.failures, health.last_error) == (1, "LookupError: no reason for 0, 1")


def test_a_reason_that_is_never_given_is_left_out_and_holds_up_nobody(moody, health, batch, person, catalogue):
    released = threading.Event()
    moody.propose = lambda batch: Candidates(np.zeros(batch.shape, np.float32), lambda *_: released.wait())
    reason = GuardedRecommender(moody, health, trusted=False).propose(batch([person()], catalogue("A", "B"))).reason

    assert (reason(0, 0), reason(0, 1)) == (None, None)
    released.set()
    assert (health.failures, health.last_error) == (1, "TimeoutError: took longer than 100 ms")


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, BaseException])
def test_a_reason_that_would_end_the_process_is_a_failure(moody, health, asked, error):
    def fail(*_):
        raise error

    moody.propose = lambda batch: Candidates(np.zeros(batch.shape, np.float32), fail)
    assert GuardedRecommender(moody, health, trusted=False).propose(asked).reason(0, 1) is None
    assert health.last_error == f"{error.__name__}: "


@pytest.mark.parametrize(
    ("path", "text"), [(("C1", "A"), "x" * (MOST_TEXT + 1)), (("C1", "x" * MOST_TEXT), "short")], ids=["text", "path"]
)
def test_a_reason_that_nobody_could_read_is_left_out(moody, health, asked, path, text):
    reason = Reason("moody", path, dict.fromkeys(Language, text))
    moody.propose = lambda batch: Candidates(np.zeros(batch.shape, np.float32), lambda *_: reason)

    assert GuardedRecommender(moody, health, trusted=False).propose(asked).reason(0, 1) is None
    assert health.last_error == "ValueError: gave a reason of more than 10000 characters"


def test_a_failure_is_logged_with_the_plugins_name_and_the_place(guarded, moody, health, asked, caplog):
    moody.mood = RuntimeError("not today")

    ask(guarded, asked)

    assert caplog.messages == [f"recommender moody failed: {health.last_place}"]
    assert caplog.records[0].exc_info is None, "which would quote the customer"
    assert caplog.records[0].name == "guanxi.plugins"
