"""Keeps a plugin's failure its own: time budget, checks of what it gives, and a circuit breaker.

A call that runs out of time is left behind in its thread, and the plugin is skipped until that thread is done: Python
cannot stop a thread. A plugin that fails three times in a row is switched off for 30 seconds, then tried once. To take
longer than one caller would wait is no failure, though a plugin is skipped until such a call is done.
"""

import logging
import math
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np

from graph.errors import PluginError
from graph.records import Product
from graph.words import Language
from recommenders.batch import Batch
from recommenders.contract import Candidates, Gate, Mask, Omitted, Reason, Recommender, Refusal
from recommenders.gates import say
from recommenders.view import CustomerView

logger = logging.getLogger("guanxi.plugins")

BUDGET_SECONDS: Final = 0.1
"""For one customer; a batch has BATCH_SECONDS for each customer more."""
BATCH_SECONDS: Final = 0.01
FAILURES_TO_OPEN: Final = 3
OPEN_SECONDS: Final = 30.0
UNCHECKED: Final = say("A rule could not be checked.", "有规则未能核验。")

State: TypeAlias = Literal["ready", "failing", "off", "busy"]


class _Hurried(Exception):
    """The caller gave less time than the recommender has."""


@dataclass(slots=True)
class Health:
    """What has become of a recommender's calls."""

    calls: int = 0
    failures: int = 0
    in_a_row: int = 0
    seconds: float = 0.0
    off_until: float = 0.0
    last_error: str | None = None
    last_place: str | None = None

    @property
    def mean_ms(self) -> float:
        """Mean time of a call in milliseconds."""
        return 1000 * self.seconds / self.calls if self.calls else 0.0


class GuardedRecommender:
    """A recommender that raises only ``Omitted``, and gives only candidates of the right shape and range."""

    def __init__(
        self, inner: Recommender, health: Health, *, trusted: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.inner = inner
        self.name = inner.name
        self.version = inner.version
        self._health = health
        self._trusted = trusted
        self._clock = clock
        self._running: Future[Candidates] | None = None

    @property
    def state(self) -> State:
        """What a call would meet now."""
        if self._running is not None and not self._running.done():
            return "busy"
        if self._health.off_until > self._clock():
            return "off"
        return "failing" if self._health.in_a_row else "ready"

    def propose(self, batch: Batch) -> Candidates:
        """Return the inner recommender's candidates.

        Raises:
            Omitted: it failed, took too long, is still busy, or is switched off.
        """
        state = self.state
        if state == "off" or (state == "busy" and not self._trusted):
            raise Omitted(self.name, state)
        started = self._clock()
        try:
            candidates = self._call(batch)
            _check(candidates, batch)
        except _Hurried as hurry:
            raise Omitted(self.name, str(hurry)) from hurry
        except Exception as error:
            self._failed(error)
            raise Omitted(self.name, str(error)) from error
        finally:
            self._health.calls += 1
            self._health.seconds += self._clock() - started
        self._health.in_a_row = 0
        return Candidates(candidates.scores, partial(self._reason, candidates.reason))

    def _reason(self, ask: Callable[[int, int], Reason | None], row: int, column: int) -> Reason | None:
        """The inner recommender's reason; one that fails is counted, and the offer goes without it."""
        try:
            reason = ask(row, column)
            _check_reason(reason)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            self._count(error)
            return None
        return reason

    def _call(self, batch: Batch) -> Candidates:
        asked = batch.context.budget_ms
        if self._trusted and asked is None:
            return self.inner.propose(batch)
        own = math.inf if self._trusted else BUDGET_SECONDS + BATCH_SECONDS * len(batch.customers)
        budget = own if asked is None else min(own, asked / 1000)
        running: Future[Candidates] = Future()
        self._running = running
        threading.Thread(target=_run, args=(running, self.inner, batch), name=self.name, daemon=True).start()
        try:
            return running.result(timeout=budget)
        except FutureTimeout:
            kind = _Hurried if budget < own else TimeoutError
            raise kind(f"took longer than {budget * 1000:.0f} ms") from None

    def _failed(self, error: Exception) -> None:
        health = self._health
        health.in_a_row += 1
        if health.in_a_row >= FAILURES_TO_OPEN:
            health.off_until = self._clock() + OPEN_SECONDS
        self._count(error)

    def _count(self, error: BaseException) -> None:
        self._health.failures += 1
        self._health.last_error, self._health.last_place = told(error), placed(error)
        logger.warning("recommender %s failed: %s", self.name, type(error).__name__, exc_info=error)


class GuardedGate:
    """A gate that raises nothing; where it fails it refuses, since nobody knows what it would have protected."""

    def __init__(self, inner: Gate, failed: Callable[[str], None]) -> None:
        self.gate = inner.gate
        self.code = inner.code
        self._inner = inner
        self._failed = failed

    def refuses(self, batch: Batch) -> Mask:
        """Return the inner gate's refusals, or everything refused."""
        try:
            refused = np.broadcast_to(self._inner.refuses(batch), batch.shape)
            if refused.dtype != np.bool_:
                raise TypeError(f"gave {refused.dtype}, not booleans")  # noqa: TRY301 - told like what it raises itself
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            self._count(error)
            return np.ones(batch.shape, np.bool_)
        return refused

    def explain(self, customer: CustomerView, product: Product) -> Refusal:
        """Return the inner gate's sentence, or that it could not be asked."""
        try:
            refusal = self._inner.explain(customer, product)
            if not isinstance(refusal, Refusal) or not is_text(refusal.text):
                raise TypeError("gave no refusal with a text in each language")  # noqa: TRY301 - as above
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            self._count(error)
            return Refusal(self.gate, self.code, UNCHECKED, "unknown")
        return refusal

    def _count(self, error: BaseException) -> None:
        logger.warning("gate %s failed: %s", self.code, type(error).__name__, exc_info=error)
        self._failed(told(error))


def told(error: BaseException) -> str:
    """Say what went wrong in a plugin."""
    return f"{type(error).__name__}: {error}"


def placed(error: BaseException) -> str:
    """Say of what type an error is and where it was raised; what it says may quote a customer."""
    frames = traceback.extract_tb(error.__traceback__)
    return type(error).__name__ + (f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "")


def is_text(text: object) -> bool:
    """Whether it is a text in each language."""
    return isinstance(text, Mapping) and all(isinstance(text.get(language), str) for language in Language)


def _run(running: "Future[Candidates]", recommender: Recommender, batch: Batch) -> None:
    try:
        running.set_result(recommender.propose(batch))
    except Exception as error:  # noqa: BLE001 - handed to the caller, whatever it is
        running.set_exception(error)
    except BaseException as error:  # noqa: BLE001 - what would end the process ends the plugin's call only
        running.set_exception(PluginError(f"raised {type(error).__name__}"))


def _check(candidates: object, batch: Batch) -> None:
    if not isinstance(candidates, Candidates):
        raise TypeError(f"gave {type(candidates).__name__}, not Candidates")
    scores = candidates.scores
    if not isinstance(scores, np.ndarray) or scores.shape != batch.shape:
        raise ValueError(f"gave scores of shape {getattr(scores, 'shape', None)}, not {batch.shape}")
    if not np.issubdtype(scores.dtype, np.floating) or np.isinf(scores).any():
        raise ValueError("gave scores that are no finite numbers")


def _check_reason(reason: object) -> None:
    if reason is None:
        return
    if not isinstance(reason, Reason):
        raise TypeError(f"gave {type(reason).__name__}, not a Reason")
    if not isinstance(reason.path, tuple) or not all(isinstance(part, str) for part in reason.path):
        raise TypeError(f"gave a reason whose path is no tuple of texts: {reason.path!r}")
    if not is_text(reason.text):
        raise TypeError(f"gave a reason without a text in each of {', '.join(Language)}")
