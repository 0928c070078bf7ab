"""A process for one plugin, as its host sees it: started, asked, ended when it takes too long, and started anew."""

import contextlib
import math
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

from plugins.failures.telling import PROCESS_ENDED, PROTOCOL_ERROR, Foreign, foreign
from plugins.isolation.memory import ONE_HEAP
from plugins.isolation.threads import OwnThread
from plugins.isolation.waiting import result_of
from plugins.isolation.wire import await_frame, receive, send
from plugins.loading import Found
from recommenders.contract import Omitted

START_SECONDS: Final = 30.0
"""How long a plugin may take to be imported."""
GIVE_SECONDS: Final = 10.0
"""How long it may take to take in a catalogue, or what it learnt."""
END_SECONDS: Final = 5.0
"""How long its guard may take to end it."""
KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT")
"""What of the environment a plugin's process is given: none of the bank's secrets."""
ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
ENVIRONMENT: Final = {name: os.environ[name] for name in KEPT if name in os.environ} | ONE_THREAD | ONE_HEAP
_starting: Final = OwnThread("plugins' processes")
"""Starts them all: a process ends with the thread that began it."""
os.register_at_fork(after_in_child=_starting.forget)

Given: TypeAlias = Mapping[str, tuple[Any, ...]]
"""What a process works with, by what takes it and, after a space, for whom; it is given what is another object."""
Left: TypeAlias = Callable[[Exception], object]
"""Is told of the failure of a call whose caller did not wait for it."""


def forgotten(_: Exception) -> None:
    """Tell nobody."""


class Busy(Omitted):
    """The process does something else just now."""


class Worker:
    """The process of a plugin; one call at a time."""

    def __init__(self, found: Found, memory_mb: int, libraries: Sequence[str] = ()) -> None:
        self._found = found
        self._memory_mb = memory_mb
        self._libraries = libraries
        self._lock = threading.Lock()
        self._changing = threading.RLock()
        """Held while it is started or ended, also by who closes it beside a call."""
        self._given: dict[str, tuple[Any, ...]] = {}
        self._socket: socket.socket
        self._is_started = False
        self._is_loaded = False
        self._due = 0.0
        """When the answer is due that is waited for; 0 where none is."""
        self._left: Left = forgotten
        self._end: Callable[[], object] = lambda: None

    def beside(self, memory_mb: int, libraries: Sequence[str]) -> "Worker":
        """Return another process of the plugin, to be started; ``libraries`` take none of its memory."""
        return Worker(self._found, memory_mb, libraries)

    def load(self) -> None:
        """Start the process, and wait until it has imported the plugin.

        Raises:
            Foreign: importing it raises, takes too much memory, or it registers what cannot be.
            TimeoutError: importing it takes too long.
        """
        with self._lock:
            self._start()
            self._hear(math.inf)

    def wait(self) -> None:
        """Wait until the process is there, if it is being started; raises as ``load``."""
        with self._lock:
            if self._due and not self._is_loaded:
                self._hear(math.inf)

    def ask(self, budget: float, given: Given, work: str, *arguments: Any) -> tuple[Any, bytes]:
        """Have the process do something; first it is given what it has not yet.

        ``budget`` is how many seconds it has, which the caller waits.

        Raises:
            TimeoutError: it took longer than it has, and was ended.
            Foreign: the plugin raised something, or its process ended.
            Omitted: the process is busy, or not there yet.
        """
        return self.answer(self.begin(budget, budget, budget, given, work, *arguments))

    def begin(self, patience: float, own: float, hurry: float, given: Given, work: str, *arguments: Any) -> float:
        """Have the process begin with what ``ask`` would; nobody asks it until ``answer`` or ``leave``.

        ``own`` is how many seconds it has, and ``hurry`` after how many the caller goes; what is left behind so is
        waited for by the next, whose failure it is not.

        Returns:
            When it is late.

        Raises:
            Busy: it was asked something else for ``patience`` seconds or, where that is 0, it would have to be waited
                for: for an earlier answer, its start, or until it took in what it is given.
            TimeoutError, Foreign, Omitted: as ``ask``.
        """
        begun = time.monotonic()
        if not self._lock.acquire(timeout=patience):
            raise Busy(self._found.name, "busy")
        try:
            news = {key: value for key, value in given.items() if self._lacks(key, value)}
            if not patience and (self._due or not self._is_started or news):
                raise Busy(self._found.name, "busy")  # noqa: TRY301 - the lock is released like for all others
            self._be_idle(begun + hurry)
            for key, value in news.items():
                self._send(GIVE_SECONDS, key.partition(" ")[0], *value)
                self._hear(math.inf)
                self._given[key] = value
                begun = time.monotonic()
            self._send(own, work, *arguments)
        except BaseException:
            self._lock.release()
            raise
        return begun + hurry if hurry < own else self._due

    def answer(self, until: float, left: Left = forgotten) -> tuple[Any, bytes]:
        """Return what the process answers to what it began with; raises as ``ask``.

        ``left`` is told where it is a failure that comes after the caller went.
        """
        self._left = left
        try:
            return self._hear(until)
        finally:
            self._lock.release()

    def leave(self) -> None:
        """Let others ask, and wait for the answer."""
        self._lock.release()

    def fileno(self) -> int:
        """Return the descriptor that the process answers by."""
        return self._socket.fileno()

    def close(self) -> None:
        """End the process, also beside a call, which finds it closed; the next call would start another."""
        with self._changing:
            self._is_started, self._is_loaded, self._due, self._given = False, False, 0.0, {}
            self._left = forgotten
            self._end()

    def _lacks(self, key: str, value: tuple[Any, ...]) -> bool:
        had = self._given.get(key)
        return had is None or any(a is not b for a, b in zip(had, value, strict=True))

    def _be_idle(self, deadline: float) -> None:
        """Have a process that waits for something to do; wait for what it still does, but not until it is there.

        Raises:
            Busy: it was ended for what an earlier caller left behind.
            TimeoutError, Foreign: it was being started, and could not be.
            Omitted: it may still come.
        """
        if not self._is_started:
            self._start()
        if not self._is_loaded:
            self._hear(0.0)
        elif self._due:
            self._hear_left(deadline)

    def _hear_left(self, deadline: float) -> None:
        left = self._left
        try:
            self._hear(deadline)
        except (Foreign, TimeoutError) as error:
            left(error)
            if not self._is_loaded:
                raise Busy(self._found.name, "busy") from None

    def _start(self) -> None:
        with self._changing:
            self.close()
            own, theirs = socket.socketpair()
            with theirs:
                process = _begun(theirs.fileno(), self._memory_mb, self._libraries)
            self._end = weakref.finalize(self, _end, process, own)
            self._socket, self._is_started = own, True
            self._send(START_SECONDS, "load", self._found)

    def _send(self, own: float, work: str, *arguments: Any) -> None:
        body = pickle.dumps(arguments)
        self._left = forgotten
        self._due = time.monotonic() + own
        with contextlib.suppress(OSError):  # it is told in hearing nothing
            self._socket.settimeout(own)
            send(self._socket, {"do": work, "seconds": own}, body)

    def _hear(self, deadline: float) -> tuple[Any, bytes]:
        """Return what the process answers to what it was asked last.

        Raises:
            TimeoutError: it takes longer than it has, and was ended.
            Foreign: the plugin raised something, or its process ended.
            Omitted: it may still come, and the caller is in a hurry; or the process was closed meanwhile.
        """
        try:
            await_frame(self._socket, min(deadline, self._due))
            told, body = receive(self._socket, time.monotonic() + GIVE_SECONDS)
            failure = foreign(told["failed"]) if "failed" in told else None
        except TimeoutError:
            if not self._is_started or time.monotonic() < self._due:
                raise Omitted(self._found.name, "took longer than the caller waits") from None
            self._restart()
            raise TimeoutError("took longer than it has; its process was ended") from None
        except (EOFError, OSError):
            if not self._is_started:
                raise Busy(self._found.name, "closed") from None
            failure = Foreign(PROCESS_ENDED, "its process ended, of too little memory or of itself", ends=True)
        except (ValueError, LookupError, TypeError) as error:
            failure = Foreign(PROTOCOL_ERROR, f"its process answered what nobody asked: {error}", ends=True)
        self._due, self._left = 0.0, forgotten
        if failure is not None:
            if failure.ends or not self._is_loaded:
                self._restart()
            raise failure
        self._is_loaded = True
        return told["answer"], body

    def _restart(self) -> None:
        """Start anew what has once been loaded; what has not is loaded when it is asked for."""
        with self._changing:
            was_loaded = self._is_started and self._is_loaded
            self.close()
            if was_loaded:
                self._start()


def _begun(descriptor: int, memory_mb: int, libraries: Sequence[str]) -> "subprocess.Popen[bytes]":
    words = map(str, (os.getpid(), descriptor, memory_mb))
    start = partial(
        subprocess.Popen,
        [sys.executable, "-m", "plugins.isolation.beginning", *words, *libraries],
        env=ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(str(Path(part).resolve()) for part in sys.path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[descriptor],
        start_new_session=True,
    )
    process: subprocess.Popen[bytes] = result_of(_starting.submit(start))
    return process


def _end(process: "subprocess.Popen[bytes]", connection: socket.socket) -> None:
    connection.close()
    for by in (signal.SIGTERM, signal.SIGCONT):  # who was stopped hears nothing
        process.send_signal(by)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # a plugin that ended its guard may have left some
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
