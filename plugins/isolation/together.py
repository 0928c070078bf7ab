"""Asks several plugins of one batch in one thread, as to hand over to a thread costs more than most calls do.

One there that takes too long is left behind, and those after it go on in another thread. Before, those in processes
are asked.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Final

from plugins.functions import unsaid
from plugins.isolation.budgets import own_budget
from plugins.isolation.calls import Call, do_at_once
from plugins.isolation.guard import GuardedRecommender
from plugins.isolation.threads import OwnThread, Turn
from plugins.isolation.waiting import SLICE_SECONDS
from recommenders.asking import proposed
from recommenders.batch import Batch
from recommenders.contract import Candidates, Omitted, Recommender, Scores

_idle: Final[deque[OwnThread]] = deque()
"""Threads that have nothing to do."""
os.register_at_fork(after_in_child=_idle.clear)


def ask_together(recommenders: Sequence[Recommender], batch: Batch) -> list[Candidates | None]:
    """Return each recommender's candidates; None of one that has no say, as ``propose`` of a guarded one tells."""
    guarded = [own for own in recommenders if isinstance(own, GuardedRecommender)]
    calls = {own.name: own.call(batch, own.remote) for own in guarded if own.remote and own.is_on}
    if calls:
        do_at_once(list(calls.values()))
    shared = [own for own in guarded if own.may_share(batch)]
    budget = own_budget(batch)
    turns = {own.name: own.turn(batch, budget) for own in shared}
    do_in_a_row(list(turns.values()))
    asked, scores = calls | turns, iter(unsaid(sum([own.function is not None for own in shared]), batch))
    return [_heard(own, batch, asked.get(own.name), scores) for own in recommenders]


def do_in_a_row(turns: Sequence[Turn[Any, Any]]) -> None:
    """Do calls elsewhere; who asks waits once for all that keep to their budgets."""
    while turns:
        thread = _thread()
        row = _Row(turns)
        thread.start(row.run)
        turns = row.wait()
        if row.is_over:
            _idle.append(thread)


class _Row:
    """Calls that one thread does."""

    def __init__(self, turns: Sequence[Turn[Any, Any]]) -> None:
        self._turns = turns
        self._next = 0
        self._lock = threading.Lock()
        self._over = threading.Lock()
        self._over.acquire()
        self._is_left = False
        self.is_over = False

    def run(self) -> None:
        now = time.monotonic()
        for turn in self._turns:
            with self._lock:
                if self._is_left:
                    return
                self._next += 1
                turn.begun = now
            now = turn.do()
        self._over.release()

    def wait(self) -> Sequence[Turn[Any, Any]]:
        """Wait until all are done, or one is late; return those that were to come after that one."""
        left = least = min([SLICE_SECONDS, *(turn.budget for turn in self._turns)])
        while not self._over.acquire(timeout=left):
            with self._lock:
                turn = self._turns[self._next - 1] if self._next else None
                if turn is None or turn.done():
                    left = least
                    continue
                left = min(turn.begun + turn.budget - time.monotonic(), least)
                if left <= 0:
                    turn.leave()
                    self._is_left = True
                    return self._turns[self._next :]
        self.is_over = True
        return ()


def _thread() -> OwnThread:
    try:
        return _idle.pop()
    except IndexError:
        return OwnThread("plugins")


def _heard(
    own: Recommender, batch: Batch, asked: Turn[Batch, Any] | Call | None, scores: Iterator[Scores]
) -> Candidates | None:
    if asked is None or not isinstance(own, GuardedRecommender):
        return proposed(own, batch)
    try:
        return own.heard(batch, asked, scores)
    except Omitted:
        return None
