import signal
import threading
import time
from concurrent.futures import Future

import pytest

from plugins.isolation.waiting import result_of
from tests.waiting import PATIENCE


class Awaited(Future):
    """One that tells when somebody begins to wait for it."""

    def __init__(self):
        super().__init__()
        self.begun = threading.Event()

    def result(self, timeout=None):
        self.begun.set()
        return super().result(timeout)


def test_an_interruption_that_ends_no_wait_is_seen_nevertheless():
    """As of one that comes just before a wait begins; here another thread takes it."""
    never, over = Awaited(), threading.Event()

    def interrupt():
        never.begun.wait()
        time.sleep(0.3)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        if not over.wait(PATIENCE):
            never.set_result("not seen")

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            result_of(never, 2 * PATIENCE)
        assert not never.done()
    finally:
        over.set()
        interrupting.join()


def test_what_comes_after_several_waits_is_returned():
    slow = Future()
    threading.Timer(0.5, slow.set_result, ["late"]).start()
    assert result_of(slow) == "late"


def test_it_waits_no_longer_than_it_may():
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        result_of(Future(), 0.3)
    assert 0.3 <= time.monotonic() - began < PATIENCE


def test_a_timeout_of_its_own_is_no_reason_to_wait():
    failed = Future()
    failed.set_exception(TimeoutError("its own"))
    with pytest.raises(TimeoutError, match="its own"):
        result_of(failed)
