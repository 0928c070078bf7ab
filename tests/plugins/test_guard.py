import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from graph.words import Language
from plugins.failures.telling import as_told, own_words
from plugins.isolation.guard import (
    FAILURES_TO_OPEN,
    MOST_TEXT,
    OPEN_SECONDS,
    UNCHECKED,
    GuardedGate,
    GuardedRecommender,
    Health,
    check_candidates,
    check_reason,
    check_refusal,
    check_refused,
)
from recommenders.contract import Candidates, Omitted, Reason, Refusal
from recommenders.gates import say


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
    "scores with a mask": (
        scores_of(np.ma.masked_array([[0.1, 0.2]], [[True, False]], np.float32)),
        "TypeError: gave scores that are MaskedArray, no plain array",
    ),
    "scores as lists": (scores_of([[0.1, 0.2]]), "TypeError: gave scores that are list, no plain array"),
    "too few columns": (scores_of(np.zeros((1, 1), np.float32)), "ValueError: gave scores of shape (1, 1), not"),
    "one row for all": (scores_of(np.zeros(2, np.float32)), "ValueError: gave scores of shape (2,), not"),
    "infinity": (scores_of(np.array([[np.inf, 0.1]])), "ValueError: gave scores that are no finite numbers"),
    "text": (scores_of(np.array([["a", "b"]])), "TypeError: gave scores of type <U1, not of floats"),
    "objects": (scores_of(np.array([[None, 1]])), "TypeError: gave scores of type object, not of floats"),
    "whole numbers": (scores_of(np.ones((1, 2), np.int64)), "TypeError: gave scores of type int64, not of floats"),
    "truths": (scores_of(np.ones((1, 2), np.bool_)), "TypeError: gave scores of type bool, not of floats"),
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


@pytest.mark.parametrize("score", [1.7, -0.1])
def test_of_a_plugin_scores_beyond_0_and_1_are_a_failure_and_of_our_own_none(moody, clock, asked, score):
    moody.propose = scores_of(np.array([[np.nan, score]]))
    ours, theirs = Health(), Health()
    GuardedRecommender(moody, ours, trusted=True, clock=clock).propose(asked)

    with pytest.raises(Omitted):
        GuardedRecommender(moody, theirs, trusted=False, clock=clock).propose(asked)
    assert (ours.last_error, theirs.last_error) == (None, "ValueError: gave scores that are not from 0 to 1")


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=lambda error: type(error).__name__)  # fmt: skip
def test_what_would_end_the_process_is_a_failure(guarded, moody, health, asked, error):
    moody.mood = error

    with pytest.raises(Omitted, match="moody"):
        guarded.propose(asked)

    assert type(error).__name__ in health.last_error


class Wordless(Exception):
    """Cannot say what it is."""

    def __str__(self):
        raise LookupError("no words")


def test_an_error_that_cannot_say_what_it_is_is_a_failure_like_others(guarded, moody, health, asked, notes):
    moody.mood = Wordless()
    with pytest.raises(Omitted, match="moody: "):
        guarded.propose(asked)
    assert (health.failures, health.last_error) == (1, "Wordless: ")

    def fail(_):
        raise Wordless

    barred = Barred()
    barred.refuses = fail
    assert GuardedGate(barred, lambda *said: notes.append(said)).refuses(asked).all()
    assert [said for said, _ in notes] == ["Wordless: "]
    assert as_told(Wordless())["said"] == ""


@pytest.mark.usefixtures("hurried")
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
    guarded._apart._left[-1].result()
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
    for left in guarded._apart._left:
        left.result()
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


@pytest.mark.usefixtures("hurried")
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


@pytest.mark.usefixtures("hurried")
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


class Barred:
    """A gate that refuses the second product, once all who ask have met."""

    gate = "eligibility"
    code = "BARRED"

    def __init__(self, meet=lambda: None):
        self.meet = meet

    def refuses(self, batch):
        self.meet()
        return np.arange(batch.shape[1]) == 1

    def explain(self, *_):
        self.meet()
        return Refusal(self.gate, self.code, say("No.", "否。"), "it")


@pytest.fixture
def notes():
    return []


def both(ask):
    """What two threads get that ask at the same time."""
    with ThreadPoolExecutor(2) as threads:
        return [answer.result() for answer in [threads.submit(ask) for _ in range(2)]]


def test_a_gate_is_asked_by_two_at_once_and_answers_both(asked, notes):
    gate = GuardedGate(Barred(threading.Barrier(2, timeout=60).wait), lambda *said: notes.append(said))

    assert [mask.tolist() for mask in both(lambda: gate.refuses(asked))] == [[[False, True]]] * 2
    told = both(lambda: gate.explain(asked.customers[0], asked.catalogue.products[1]))
    assert [refusal.saw for refusal in told] == ["it", "it"]
    assert notes == []


def test_a_recommender_is_asked_by_two_at_once_and_answers_both_with_reasons(moody, health, asked):
    met = threading.Barrier(2, timeout=60)
    reason = Reason("moody", ("C1", "A"), dict.fromkeys(Language, "so"))
    moody.propose = lambda batch: Candidates(
        np.full(batch.shape, 0.5 * (met.wait() >= 0), np.float32), lambda *_: met.wait() >= 0 and reason
    )
    guarded = GuardedRecommender(moody, health, trusted=False)

    found = both(lambda: guarded.propose(asked))
    assert both(lambda: found[0].reason(0, 0)) == [reason] * 2
    assert (health.failures, guarded.state) == (0, "ready")


@pytest.mark.usefixtures("hurried")
def test_a_gate_that_was_left_behind_is_not_asked_until_it_is_done_and_failed_once(asked, notes, budget):
    released, calls = threading.Event(), []
    gate = GuardedGate(Barred(lambda: calls.append(1) or released.wait()), lambda *said: notes.append(said))

    assert [gate.refuses(asked).all() for _ in range(3)] == [True] * 3
    assert notes == [("TimeoutError: took longer than 110 ms", "TimeoutError")]
    released.set()
    for left in gate._apart._left:
        left.result()
    assert len(calls) == 1
    budget(60.0)
    assert gate.refuses(asked).tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (np.zeros((1, 2), np.int8), TypeError),
        (np.array([["yes", "no"]]), TypeError),
        (None, TypeError),
        (np.zeros((1, 3), np.bool_), ValueError),
    ],
    ids=["numbers", "texts", "nothing", "too many"],
)
def test_what_is_no_mask_of_the_batch_refuses_everything(asked, notes, refused, error):
    barred = Barred()
    barred.refuses = lambda _: refused

    with pytest.raises(error):
        check_refused(refused, asked)
    assert GuardedGate(barred, lambda *said: notes.append(said)).refuses(asked).all()
    assert [place.partition(":")[0] for _, place in notes] == [error.__name__]


def test_a_mask_that_fits_the_batch_is_spread_over_it(asked):
    for refused in (True, np.True_, [False, True], np.array([[True]])):
        assert check_refused(refused, asked).tolist() == np.broadcast_to(refused, (1, 2)).tolist()


NO = say("No.", "否。")
UNTOLD = {
    "no refusal": (None, "TypeError: gave no refusal with a text in each language"),
    "a text in no language": (
        Refusal("consent", "BARRED", "No.", "it"), "TypeError: gave no refusal with a text in each language"
    ),
    "a group that is no text": (Refusal(3, "BARRED", NO, "it"), "TypeError: gave a refusal with int in place of a text"),
    "a code that is no text": (
        Refusal("consent", None, NO, "it"), "TypeError: gave a refusal with NoneType in place of a text"
    ),
    "a value that is no text": (
        Refusal("consent", "BARRED", NO, 3.5), "TypeError: gave a refusal with float in place of a text"
    ),
    "a value that nobody could read": (
        Refusal("consent", "BARRED", NO, "x" * 10**7), "ValueError: gave a refusal of more than 10000 characters"
    ),
    "a text that nobody could read": (
        Refusal("consent", "BARRED", say("x" * (MOST_TEXT + 1), "否。"), "it"),
        "ValueError: gave a refusal of more than 10000 characters",
    ),
    "half a character": (
        Refusal("consent", "BARRED", NO, "\ud800"), "ValueError: gave a refusal with a lone surrogate, which is no text"
    ),
    "half a character in a language": (
        Refusal("consent", "BARRED", say("\ud800", "否。"), "it"),
        "TypeError: gave no refusal with a text in each language",
    ),
    "a change in no language": (
        Refusal("consent", "BARRED", NO, "it", "open an account"),
        "TypeError: gave a refusal whose unlock is no text in each language",
    ),
    "a change in one language": (
        Refusal("consent", "BARRED", NO, "it", {"en": "Open an account."}),
        "TypeError: gave a refusal whose unlock is no text in each language",
    ),
    "a change that is no text": (
        Refusal("consent", "BARRED", NO, "it", dict.fromkeys(Language, object())),
        "TypeError: gave a refusal whose unlock is no text in each language",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("refusal", "error"), UNTOLD.values(), ids=UNTOLD)
def test_a_refusal_that_cannot_be_told_is_a_failure(asked, notes, refusal, error):
    barred = Barred()
    barred.explain = lambda *_: refusal
    gate = GuardedGate(barred, lambda *said: notes.append(said))

    told = gate.explain(asked.customers[0], asked.catalogue.products[1])
    assert told == Refusal(gate.gate, gate.code, UNCHECKED, "unknown")
    assert [said.startswith(error) for said, _ in notes] == [True]


@pytest.mark.parametrize(
    ("recommender", "error"),
    [
        (["x"], "TypeError: gave a reason with list in place of a text"),
        ("x" * (MOST_TEXT + 1), "ValueError: gave a reason of more than 10000 characters"),
        ("\ud800", "ValueError: gave a reason with a lone surrogate, which is no text"),
    ],
    ids=["no text", "too long", "half a character"],
)
def test_a_reason_of_nobody_is_left_out(moody, health, asked, recommender, error):
    reason = Reason(recommender, ("C1", "A"), dict.fromkeys(Language, "so"))
    moody.propose = lambda batch: Candidates(np.zeros(batch.shape, np.float32), lambda *_: reason)

    assert GuardedRecommender(moody, health, trusted=False).propose(asked).reason(0, 1) is None
    assert health.last_error.startswith(error)


def test_a_failure_is_logged_with_the_plugins_name_and_the_place(guarded, moody, health, asked, caplog):
    moody.mood = RuntimeError("not today")

    ask(guarded, asked)

    assert caplog.messages == [f"recommender moody failed: {health.last_place}"]
    assert caplog.records[0].exc_info is None, "which would quote the customer"
    assert caplog.records[0].name == "guanxi.plugins"


def test_what_is_said_of_what_a_plugin_gave_quotes_nothing_of_it(asked):
    quoting = Reason("mine", ("C-77", 5), dict.fromkeys(Language, "C-77"))
    checks = {
        "gave scores that are not of the batch's shape": lambda: check_candidates(
            Candidates(np.zeros((77, 2)), None), asked
        ),
        "gave scores that are no finite numbers": lambda: check_candidates(
            Candidates(np.full((1, 2), np.inf), None), asked
        ),
        "gave void64, not booleans": lambda: check_refused(np.zeros((1, 2), [("C-77", np.int64)]), asked),
        "gave booleans that are not of the batch's shape": lambda: check_refused(np.zeros(77, np.bool_), asked),
        "gave a reason whose path is no tuple of texts": lambda: check_reason(quoting),
        "gave no refusal with a text in each language": lambda: check_refusal("C-77"),
    }
    for said, check in checks.items():
        with pytest.raises((TypeError, ValueError)) as raised:
            check()
        assert own_words(raised.value) == said
