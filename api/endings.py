"""Ends open streams when the process is asked to end, for which the server would wait otherwise."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = signal.SIGINT, signal.SIGTERM


class OpenStreams:
    """The streams that this process serves."""

    def __init__(self) -> None:
        self._open: set[asyncio.Timeout] = set()

    @contextmanager
    def one_more(self, limit: asyncio.Timeout) -> Iterator[None]:
        """Count a stream that a limit ends."""
        self._open.add(limit)
        try:
            yield
        finally:
            self._open.discard(limit)

    def end(self) -> None:
        """End them now."""
        for limit in self._open:
            limit.reschedule(0)


@contextmanager
def when_asked_to_end(act: Callable[[], None]) -> Iterator[None]:
    """Act in the running loop as soon as the process is told to end, whatever else is done then."""
    if threading.current_thread() is not threading.main_thread():  # signals are for the main thread
        yield
        return
    loop = asyncio.get_running_loop()
    others = {number: signal.getsignal(number) for number in SIGNALS}

    def asked(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(act)
        other = others[signal.Signals(number)]
        if callable(other):
            other(number, frame)

    for number in SIGNALS:
        signal.signal(number, asked)
    try:
        yield
    finally:
        for number, other in others.items():
            if signal.getsignal(number) is asked:
                signal.signal(number, other)
