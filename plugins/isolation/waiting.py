"""Waits that Ctrl-C ends, whenever it comes."""

import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from math import inf
from typing import Final, TypeVar

T = TypeVar("T")

SLICE_SECONDS: Final = 0.2
"""A signal that comes just before a wait begins does not end it, nor, where polars is imported, any a wait without end:
Python sees it when the slice is over."""


def result_of(future: "Future[T]", seconds: float = inf) -> T:
    """Wait for a future, and return its result; whatever it raises is raised.

    Raises:
        TimeoutError: it takes longer, and is not done.
    """
    ends = time.monotonic() + seconds
    while True:
        try:
            return future.result(max(0.0, min(SLICE_SECONDS, ends - time.monotonic())))
        except FutureTimeout:
            if future.done():  # in time after all, or it is the future's own
                return future.result()
            if time.monotonic() >= ends:
                raise
