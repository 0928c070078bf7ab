"""A thread that does one call after another, kept from call to call: to start one takes longer than most calls do."""

import math
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar

from graph.errors import PluginError

T = TypeVar("T")
Call: TypeAlias = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...]]


class OwnThread:
    """Does calls elsewhere, so that who asked can stop waiting; the thread ends with whoever holds this."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: SimpleQueue[Call | None] | None = None

    def submit(self, function: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        """Have a function called; whatever it raises is the future's, and what would end the process is a failure."""
        if self._calls is None:
            self._calls = SimpleQueue()
            threading.Thread(target=_work, args=(self._calls,), name=self._name, daemon=True).start()
            weakref.finalize(self, self._calls.put, None)
        future: Future[Any] = Future()
        self._calls.put((future, function, arguments))
        return future


class Apart:
    """Calls what may take too long: who asks leaves it behind in its thread, as no thread can be stopped."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread = OwnThread(name)
        self._running: Future[Any] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether what was left behind still runs."""
        return self._running is not None and not self._running.done()

    def call(self, seconds: float, function: Callable[..., T], *arguments: Any) -> T:
        """Return what a function gives; beside one that still runs, in another thread.

        Raises:
            TimeoutError: it takes longer.
        """
        if self.is_busy:
            self._thread = OwnThread(self._name)
        running: Future[T] = self._thread.submit(function, *arguments)
        self._running = running
        try:
            return running.result(None if seconds == math.inf else seconds)
        except FutureTimeout:
            if running.done():  # it is the function's own
                raise
            raise TimeoutError(f"took longer than {seconds * 1000:.0f} ms") from None


def _work(calls: "SimpleQueue[Call | None]") -> None:
    while (call := calls.get()) is not None:
        _do(*call)
        del call


def _do(future: "Future[Any]", function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        future.set_result(function(*arguments))
    except Exception as error:  # noqa: BLE001 - handed to the caller, whatever it is
        future.set_exception(error)
    except BaseException as error:  # noqa: BLE001 - what would end the process ends the plugin's call only
        future.set_exception(PluginError(f"raised {type(error).__name__}"))
