"""A thread that does one call after another, kept from call to call: to start one takes longer than most calls do."""

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from queue import SimpleQueue
from typing import Any, Generic, TypeAlias, TypeVar

from plugins.failures.telling import Foreign, frames_of, text_of
from plugins.isolation.waiting import result_of
from recommenders.contract import Omitted

A = TypeVar("A")
T = TypeVar("T")
Submitted: TypeAlias = tuple["Future[Any] | None", Callable[..., Any], tuple[Any, ...]]


class OwnThread:
    """Does calls elsewhere, so that who asked can stop waiting; the thread ends with whoever holds this."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: SimpleQueue[Submitted | None] | None = None

    def submit(self, function: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        """Have a function called; whatever it raises is the future's, and what would end the process is a failure."""
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()  # who stops waiting does not stop it
        self._put((future, function, arguments))
        return future

    def start(self, function: Callable[[], None]) -> None:
        """Have a function called that raises nothing."""
        self._put((None, function, ()))

    def _put(self, call: Submitted) -> None:
        if self._calls is None:
            self._calls = SimpleQueue()
            threading.Thread(target=_work, args=(self._calls,), name=self._name, daemon=True).start()
            weakref.finalize(self, self._calls.put, None)
        self._calls.put(call)

    def forget(self) -> None:
        """Have the next call start a thread: a process that was forked has none but its own."""
        self._calls = None


class Turn(Generic[A, T]):
    """A call of several that a thread does one after another, of what may take too long."""

    __slots__ = (
        "_apart", "_argument", "_error", "_function", "_is_done", "_result", "begun", "budget", "is_left", "seconds"
    )  # fmt: skip

    def __init__(self, budget: float, apart: "Apart", function: Callable[[A], T], argument: A) -> None:
        self.budget = budget
        self._apart = apart
        self._function = function
        self._argument = argument
        self._is_done = self.is_left = False
        self._result: T
        self._error: Exception | None = None
        self.begun = self.seconds = 0.0

    def do(self) -> float:
        """Call the function, unless a call left behind still runs; its thread does so, and has said when it began.

        Returns:
            When it was done.
        """
        error: Exception | None = None
        try:
            self._apart.check_free()
            self._result = self._function(self._argument)
        except BaseException as raised:  # noqa: BLE001 - handed to the caller, whatever it is
            error = _contained(raised)
        now = time.monotonic()
        self.seconds = now - self.begun
        self._error = self._error or error
        self._is_done = True
        return now

    def done(self) -> bool:
        """Whether it runs no more."""
        return self._is_done

    def leave(self) -> None:
        """Count it as too late, whatever becomes of it."""
        self._error = too_late(self.budget)
        self.seconds = self.budget
        self.is_left = True
        self._apart.leave(self)

    def outcome(self) -> T:
        """Return what it gave; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._result


class Apart:
    """Calls what may take too long: who asks leaves it behind in its thread, as no thread can be stopped."""

    def __init__(self, name: str, *, repeats: bool = False) -> None:
        self._name = name
        self._repeats = repeats
        self._idle = deque[OwnThread]()
        self._left: Sequence[Future[Any] | Turn[Any, Any]] = ()
        self._leaving = threading.Lock()

    @property
    def is_busy(self) -> bool:
        """Whether what was left behind still runs."""
        return bool(self._left) and not all(call.done() for call in self._left)

    def check_free(self) -> None:
        """Return if nothing that was left behind still runs, or if it may run more than once; raises Omitted."""
        if self._left and not self._repeats and self.is_busy:
            raise Omitted(self._name, "busy")

    def leave(self, call: "Future[Any] | Turn[Any, Any]") -> None:
        """Note that nobody waits any more for a call that still runs."""
        with self._leaving:
            self._left = [*(other for other in self._left if not other.done()), call]

    def call(self, seconds: float, function: Callable[..., T], *arguments: Any) -> T:
        """Return what a function gives; beside one that still runs, in another thread.

        Raises:
            TimeoutError: it takes longer.
        """
        try:
            thread = self._idle.pop()
        except IndexError:
            thread = OwnThread(self._name)
        running: Future[T] = thread.submit(function, *arguments)
        try:
            return result_of(running, seconds)
        except FutureTimeout:
            if running.done():  # in time after all, or it is the function's own
                return running.result()
            raise too_late(seconds) from None
        finally:
            if running.done():
                self._idle.append(thread)
            else:
                self.leave(running)


def too_late(seconds: float) -> TimeoutError:
    """Return the failure of who took longer."""
    return TimeoutError(f"took longer than {seconds * 1000:.0f} ms")


def _work(calls: "SimpleQueue[Submitted | None]") -> None:
    while (call := calls.get()) is not None:
        _do(*call)
        del call


def _do(future: "Future[Any] | None", function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    if future is None:
        function(*arguments)
        return
    try:
        future.set_result(function(*arguments))
    except BaseException as error:  # noqa: BLE001 - handed to the caller, whatever it is
        future.set_exception(_contained(error))


def _contained(error: BaseException) -> Exception:
    """The failure of a call: what would end the process ends the plugin's call only."""
    return error if isinstance(error, Exception) else Foreign(type(error).__name__, text_of(error), frames_of(error))
