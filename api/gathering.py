"""Answers together those who wait: a batch costs the engine little more than one customer does.

While one batch is decided, requests in the same circumstances gather, and are the next batch (adaptive batching, as
Crankshaw et al. 2017 serve models). Nobody waits for company: a request that finds the engine idle goes at once.
"""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Final

from api.metrics import ENGINE_SECONDS, ENGINE_SIZES
from graph.records import Customer
from recommenders.contract import Answer, Context
from recommenders.engine import Engine

MOST_TOGETHER: Final = 100
"""Customers of one batch, so that nobody waits for a long one; a request that asks for more is a batch of its own."""


@dataclass(frozen=True, slots=True)
class _Request:
    customers: Sequence[Customer]
    answered: Future[list[Answer]] = field(default_factory=Future)


class Gathering:
    """Requests that wait for the one thread that decides."""

    def __init__(self, thread: Executor) -> None:
        self._thread = thread
        self._lock = threading.Lock()
        self._waiting: dict[tuple[Engine, Context], list[_Request]] = {}

    async def answer(self, engine: Engine, customers: Sequence[Customer], context: Context) -> list[Answer]:
        """Return each customer's offers and bundles; a time budget is one request's own, so that goes alone."""
        request = _Request(customers)
        if context.budget_ms is not None:
            self._thread.submit(_answer, engine, context, [request])
        else:
            with self._lock:
                waiting = self._waiting.setdefault((engine, context), [])
                waiting.append(request)
                if len(waiting) == 1:
                    self._thread.submit(self._next, engine, context)
        return await asyncio.wrap_future(request.answered)

    def _next(self, engine: Engine, context: Context) -> None:
        together, size = list[_Request](), 0
        with self._lock:
            waiting = self._waiting[engine, context]
            while waiting and (not together or size + len(waiting[0].customers) <= MOST_TOGETHER):
                together.append(waiting.pop(0))
                size += len(together[-1].customers)
            if waiting:
                self._thread.submit(self._next, engine, context)
            else:
                del self._waiting[engine, context]
        _answer(engine, context, together)


def _answer(engine: Engine, context: Context, together: Sequence[_Request]) -> None:
    wanted = [request for request in together if request.answered.set_running_or_notify_cancel()]
    ENGINE_SIZES.observe(sum(len(request.customers) for request in wanted))
    with ENGINE_SECONDS.time():
        _settle(engine, context, wanted)


def _settle(engine: Engine, context: Context, together: Sequence[_Request]) -> None:
    """Answer them all; where that fails, each by himself, so that only he fails who would alone."""
    try:
        answers = iter(engine.answer([customer for request in together for customer in request.customers], context))
    except Exception as error:  # noqa: BLE001 - it is raised where the request waits
        if len(together) == 1:
            together[0].answered.set_exception(error)
            return
        for request in together:
            _settle(engine, context, [request])
        return
    for request in together:
        request.answered.set_result([next(answers) for _ in request.customers])
