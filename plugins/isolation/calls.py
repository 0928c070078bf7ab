"""Asks the processes of several plugins at once: as many as there are cores, as of more each would have less time."""

import os
import select
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

from plugins.isolation.workers import Busy, Given, Left, Worker, forgotten

AT_ONCE: Final = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


class Call:
    """Something that a process is asked; nobody else asks it between its start and the answer.

    Attributes:
        until: when it is late, in seconds of the monotonic clock.
        seconds: how long it took.
        is_over: whether there is an outcome.
        left: is told where it fails after the caller went.
    """

    def __init__(self, worker: Worker, own: float, hurry: float, given: Given, work: str, *arguments: Any) -> None:
        self.until = self.seconds = 0.0
        self.is_over = False
        self.left: Left = forgotten
        self._worker = worker
        self._hurry = hurry
        self._asked = own, hurry, given, work, *arguments
        self._begun = 0.0
        self._answer: tuple[Any, bytes]
        self._error: Exception | None = None

    def start(self, *, waits: bool) -> bool:
        """Ask, or have that as its outcome which goes wrong; return False where that has to be waited for."""
        self._begun = time.monotonic()
        try:
            self.until = self._worker.begin(self._hurry if waits else 0.0, *self._asked)
        except Exception as error:  # noqa: BLE001 - handed to the caller, whatever it is
            if isinstance(error, Busy) and not waits:
                return False
            self._end(error)
        return True

    def hear(self) -> None:
        """Take the answer as it is by now."""
        try:
            self._answer = self._worker.answer(self.until, self.left)
        except Exception as error:  # noqa: BLE001 - handed to the caller, whatever it is
            self._end(error)
        else:
            self._end()

    def leave(self) -> None:
        """Let others ask, without an outcome."""
        self._worker.leave()

    def fileno(self) -> int:
        """Return what can be read from when the process answers; -1 where it was ended."""
        return self._worker.fileno()

    def outcome(self) -> tuple[Any, bytes]:
        """Return what the process answered; raises what asking it alone does."""
        if self._error is not None:
            raise self._error
        return self._answer

    def _end(self, error: Exception | None = None) -> None:
        self._error = error
        self.seconds = time.monotonic() - self._begun
        self.is_over = True


def do_at_once(calls: Sequence[Call]) -> None:
    """Do calls, each in its own time."""
    waiting, running = list(calls), list[Call]()
    try:
        while waiting or running:
            waiting = [call for call in waiting if not _starts(call, running, waits=False)]
            if waiting and not running:  # who waits for one holds up none that was asked
                _starts(waiting.pop(0), running, waits=True)
            for call in _answering(running) if running else ():
                running.remove(call)
                call.hear()
    finally:
        for call in running:
            call.leave()


def _starts(call: Call, running: list[Call], *, waits: bool) -> bool:
    if len(running) >= AT_ONCE or not call.start(waits=waits):
        return False
    if not call.is_over:
        running.append(call)
    return True


def _answering(running: Sequence[Call]) -> list[Call]:
    """Wait for the first that answer, or are late, or whose process was ended."""
    places = {call.fileno(): call for call in running}
    if -1 in places:
        return [places[-1]]
    poll = select.poll()
    for place in places:
        poll.register(place, select.POLLIN)
    ready = poll.poll(1000 * max(min(call.until for call in running) - time.monotonic(), 0.0))
    now = time.monotonic()
    return [places[place] for place, _ in ready] or [call for call in running if call.until <= now]
