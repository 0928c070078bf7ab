"""Has a recommender learn in a process of its own: the portfolio goes there, and arrays come back, never unpickled."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from plugins.failures.telling import PROCESS_ENDED, PROTOCOL_ERROR, Foreign
from plugins.isolation.modes import Isolation
from plugins.isolation.workers import Given, Worker
from recommenders.batch import Batch
from recommenders.contract import Arrays, Context, Trainable, check_arrays, learns_from_customers
from recommenders.view import CustomerView

if TYPE_CHECKING:
    from recommenders.portfolio import Portfolio

MOST_WARNED: Final = 20
LIBRARIES: Final = ("recommenders.portfolio",)
Told: TypeAlias = list[tuple[str, str, list[int]]]
"""Each array's name, type and shape."""


def fitted(local: Trainable, worker: Worker, isolation: Isolation, given: Given, portfolio: "Portfolio") -> Arrays:
    """Return what a recommender learns in another process of its plugin, with more time and memory, ended then.

    Raises:
        Foreign: it took too long or too much memory, raised something, or gave what are no arrays.
        TimeoutError: importing the plugin took too long.
    """
    seen = (portfolio.batch.customers, portfolio.batch.context) if learns_from_customers(local) else None
    own = worker.beside(isolation.fit_memory_mb, LIBRARIES)
    try:
        own.load()
        seconds, bare = isolation.fit_seconds, replace(portfolio, make_batch=None)
        until = own.begin(seconds, seconds, seconds, given, "fit", local.name, bare, seen)
        try:
            (told, warned), body = own.answer(until)
        except (TimeoutError, Foreign) as error:
            raise _of_limits(error, isolation) from None
        for text in warned[:MOST_WARNED]:
            warnings.warn(text, stacklevel=2)
        return unpacked(told, body)
    finally:
        own.close()


def _of_limits(error: Exception, isolation: Isolation) -> Exception:
    """Return an error that says which limit it was, and what sets it; any other as it is."""
    if isinstance(error, TimeoutError):
        return Foreign(TimeoutError.__name__, isolation.late_fit, own=isolation.late_fit)
    if not isinstance(error, Foreign) or not error.ends or error.kind == PROTOCOL_ERROR:
        return error
    said = f"fit needs more memory than the {isolation.fit_memory_mb} MB of GUANXI_PLUGIN_FIT_MEMORY_MB"
    if error.kind == PROCESS_ENDED:
        said = f"its process ended: {said}, or ended it"
    return Foreign(error.kind, said, error.frames, ends=True, own=said)


def fit(
    own: Trainable, portfolio: "Portfolio", seen: tuple[Sequence[CustomerView], Context] | None
) -> tuple[tuple[Told, list[str]], bytes]:
    """Have a recommender learn in this process, and tell what was warned of.

    Raises whatever it does, or NotLearnt where it gives no arrays that can be kept.
    """
    if seen is not None:
        batch = Batch(seen[0], portfolio.catalogue, seen[1])
        portfolio = replace(portfolio, make_batch=lambda: batch)
    with warnings.catch_warnings(record=True) as caught:
        arrays = own.fit(portfolio)
    check_arrays(arrays)
    warned = list(dict.fromkeys(f"{one.category.__name__}: {one.message}" for one in caught))
    told = [(name, array.dtype.str, list(array.shape)) for name, array in arrays.items()]
    return (told, warned), b"".join(array.tobytes() for array in arrays.values())


def unpacked(told: Any, body: bytes) -> Arrays:
    """Return the arrays that were told of; raises NotLearnt, TypeError or ValueError where those are none."""
    arrays, start = {}, 0
    for name, kind, shape in told:
        dtype, size = np.dtype(kind), int(np.prod(shape))
        arrays[str(name)] = np.frombuffer(body, dtype, size, start).reshape(shape).copy()
        start += size * dtype.itemsize
    check_arrays(arrays)
    return arrays
