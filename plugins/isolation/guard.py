"""Keeps a plugin's failure its own: time budget, checks of what it gives, and a circuit breaker.

A call that runs out of time is left behind in its thread, and the plugin is skipped until that thread is done: Python
cannot stop a thread. One in a process of its own is ended with it (``plugins.isolation.workers``).

A plugin that fails three times in a row is switched off for 30 seconds, then tried once. To take
longer than one caller would wait is no failure, though a plugin is skipped until such a call is done.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, TypeAlias, TypeVar, cast

import numpy as np

from graph.records import Product
from graph.words import Language
from plugins.failures.telling import ours, placed, text_of, told
from plugins.functions import Said, Speaking, fill
from plugins.isolation import budgets
from plugins.isolation.calls import Call, do_at_once
from plugins.isolation.remote import Remote, RemoteGate
from plugins.isolation.threads import Apart, Turn, too_late
from plugins.texts import NO_TEXT, is_utf8
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Candidates, Context, Gate, Mask, Omitted, Reason, Recommender, Refusal, Scores, Text
from recommenders.gates import say
from recommenders.view import CustomerView

T = TypeVar("T")

logger = logging.getLogger("guanxi.plugins")

FAILURES_TO_OPEN: Final = 3
OPEN_SECONDS: Final = 30.0
MOST_TEXT: Final = 10_000
"""Characters of each text of a reason or a refusal, and of a reason's path."""
UNCHECKED: Final = say("A rule could not be checked.", "有规则未能核验。")

Report: TypeAlias = Callable[[BaseException, Batch], None]
"""Tells a plugin's owner of a failure over some customers."""
State: TypeAlias = Literal["ready", "failing", "off", "busy"]


@dataclass(slots=True)
class Health:
    """What has become of a recommender's, or a field's, calls.

    Attributes:
        since_success: how many failed since the last that did not; of a field, for how many different customers.
    """

    calls: int = 0
    failures: int = 0
    since_success: int = 0
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
        self,
        inner: Recommender,
        health: Health,
        *,
        trusted: bool,
        clock: Callable[[], float] = time.monotonic,
        report: Report = lambda *_: None,
    ) -> None:
        self.inner = inner
        self.name = inner.name
        self.version = inner.version
        self._health = health
        self._trusted = trusted
        self._clock = clock
        self._report = report
        self._apart = Apart(inner.name, repeats=trusted)
        self.function = inner if isinstance(inner, Speaking) else None
        self.remote = inner if isinstance(inner, Remote) else None
        self._ask: Callable[[Batch], Any] = self.function.said if self.function else inner.propose
        self._reasons_run = not (trusted or self.remote or self.function)

    @property
    def state(self) -> State:
        """What a call would meet now."""
        if self._apart.is_busy:
            return "busy"
        if not self.is_on:
            return "off"
        return "failing" if self._health.since_success else "ready"

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
            return self._counted(batch, self._call)
        finally:
            self._health.seconds += self._clock() - started

    def may_share(self, batch: Batch) -> bool:
        """Whether it can be asked in a thread with others."""
        is_apart = self.remote is None and not (self._trusted and batch.context.budget_ms is None)
        return is_apart and not self._apart.is_busy and self.is_on

    @property
    def is_on(self) -> bool:
        """Whether it is not switched off."""
        return not self._health.off_until or self._health.off_until <= self._clock()

    def call(self, batch: Batch, remote: Remote) -> Call:
        """Return what is asked of its process, to be done with others, and told to ``heard``."""
        call = remote.call(batch)
        call.left = lambda error: self._failed(error, batch)
        return call

    def turn(self, batch: Batch, budget: float) -> Turn[Batch, Any]:
        """Return the call of the inner recommender within a budget, to be done with others, and told to ``heard``."""
        return Turn(self._within(budget, batch), self._apart, self._ask, batch)

    def heard(self, batch: Batch, asked: Turn[Batch, Any] | Call, unsaid: Iterator[Scores]) -> Candidates:
        """Return what was given when it was asked, a function's in scores of its own; raises as ``propose`` does."""
        self._health.seconds += asked.seconds
        if isinstance(asked, Call):
            return self._counted(batch, self._answered, asked)
        return self._counted(batch, self._given, asked, unsaid)

    def _answered(self, batch: Batch, call: Call) -> Candidates:
        return self._checked(cast(Remote, self.remote).answered(batch, call), batch)

    def _given(self, batch: Batch, turn: Turn[Batch, Any], unsaid: Iterator[Scores]) -> Candidates:
        if turn.is_left and turn.budget < self._own_budget(batch):
            raise Omitted(self.name, str(too_late(turn.budget)))
        given = turn.outcome()
        if self.function is None:
            return self._checked(given, batch)
        scores = next(unsaid)
        fill(scores, given)  # each number of it is checked
        return Candidates(scores, partial(self._reason_of, given, batch))

    def _reason_of(self, said: Said, batch: Batch, row: int, column: int) -> Reason | None:
        return self._reason(partial(cast(Speaking, self.function).reason, batch, said), batch, row, column)

    def _checked(self, candidates: Candidates, batch: Batch) -> Candidates:
        check_candidates(candidates, batch, bounded=not self._trusted)
        return Candidates(candidates.scores, partial(self._reason, candidates.reason, batch))

    def _counted(self, batch: Batch, call: Callable[..., Candidates], *arguments: Any) -> Candidates:
        self._health.calls += 1
        try:
            candidates = call(batch, *arguments)
        except Omitted:
            raise
        except Exception as error:
            self._failed(error, batch)
            raise Omitted(self.name, text_of(error)) from error
        self._health.since_success = 0
        return candidates

    def _reason(self, ask: Callable[[int, int], Reason | None], batch: Batch, row: int, column: int) -> Reason | None:
        """The inner recommender's reason; one that fails is counted, and the offer goes without it."""
        if self._reasons_run:
            ask = partial(self._apart.call, budgets.BUDGET_SECONDS, ask)
            if self._apart.is_busy:
                return None
        try:
            reason = ask(row, column)
            check_reason(reason)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            self._count(error, batch.at(row))
            return None
        return reason

    def _call(self, batch: Batch) -> Candidates:
        if self.remote is not None:
            call = self.call(batch, self.remote)
            do_at_once([call])
            return self._answered(batch, call)
        budget = self._within(budgets.own_budget(batch), batch)
        if budget == math.inf:
            return self._checked(self.inner.propose(batch), batch)
        try:
            return self._checked(self._apart.call(budget, self.inner.propose, batch), batch)
        except TimeoutError as error:
            if budget < self._own_budget(batch) and self._apart.is_busy:
                raise Omitted(self.name, str(error)) from None
            raise

    def _own_budget(self, batch: Batch) -> float:
        return math.inf if self._trusted else budgets.own_budget(batch)

    def _within(self, budget: float, batch: Batch) -> float:
        asked, own = batch.context.budget_ms, math.inf if self._trusted else budget
        return own if asked is None else min(own, asked / 1000)

    def _failed(self, error: Exception, batch: Batch) -> None:
        health = self._health
        health.since_success += 1
        if health.since_success >= FAILURES_TO_OPEN:
            health.off_until = self._clock() + OPEN_SECONDS
        self._count(error, batch)

    def _count(self, error: BaseException, batch: Batch) -> None:
        self._health.failures += 1
        self._health.last_error, self._health.last_place = told(error), placed(error)
        logger.warning("recommender %s failed: %s", self.name, placed(error))
        self._report(error, batch)


class GuardedGate:
    """A gate that raises nothing; where it fails it refuses, since nobody knows what it would have protected.

    So does one that is busy, or whose process is being started, which is no failure.
    """

    def __init__(self, inner: Gate, note: Callable[[str, str], None], *, report: Report = lambda *_: None) -> None:
        self.gate = inner.gate
        self.code = inner.code
        self._inner = inner
        self._is_remote = isinstance(getattr(inner, "inner", inner), RemoteGate)  # be what it sees narrowed or not
        self._note = note
        self._report = report
        self._apart = Apart(inner.code)

    def refuses(self, batch: Batch) -> Mask:
        """Return the inner gate's refusals, or everything refused."""
        try:
            return check_refused(self._call(budgets.own_budget(batch), self._inner.refuses, batch), batch)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            self._failed(error, batch)
            return np.ones(batch.shape, np.bool_)

    def explain(self, customer: CustomerView, product: Product) -> Refusal:
        """Return the inner gate's sentence, or that it could not be asked."""
        try:
            refusal = self._call(budgets.BUDGET_SECONDS, self._inner.explain, customer, product)
            check_refusal(refusal)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            asked = Batch((customer,), Catalogue((product,)), Context(customer.today, customer.channel))
            self._failed(error, asked)
            return Refusal(self.gate, self.code, UNCHECKED, "unknown")
        return refusal

    def _call(self, seconds: float, ask: Callable[..., T], *arguments: Any) -> T:
        if self._is_remote:  # its process keeps its time
            return ask(*arguments)
        self._apart.check_free()
        return self._apart.call(seconds, ask, *arguments)

    def _failed(self, error: BaseException, batch: Batch) -> None:
        if isinstance(error, Omitted):
            logger.warning("gate %s could not be asked, and refuses", self.code)
            return
        logger.warning("gate %s failed: %s", self.code, placed(error))
        self._note(told(error), placed(error))
        self._report(error, batch)


def is_text(text: object) -> bool:
    """Whether it is a text in each language, which UTF-8 can say."""
    return isinstance(text, Mapping) and all(
        isinstance(own := text.get(language), str) and is_utf8(own) for language in Language
    )


def check_candidates(candidates: object, batch: Batch, *, bounded: bool = True) -> None:
    """Return if they are of the batch's shape, finite and, if ``bounded``, from 0 to 1; raises TypeError or ValueError.

    Factors, as of our own, may go a little beyond.
    """
    if not isinstance(candidates, Candidates):
        raise ours(TypeError(f"gave {type(candidates).__name__}, not Candidates"))
    scores = candidates.scores
    if not isinstance(scores, np.ndarray) or isinstance(scores, np.ma.MaskedArray):  # whose mask would be lost
        raise ours(TypeError(f"gave scores that are {type(scores).__name__}, no plain array"))
    if scores.shape != batch.shape:
        said = f"gave scores of shape {scores.shape}, not {batch.shape}"
        raise ours(ValueError(said), "gave scores that are not of the batch's shape")
    if scores.dtype.kind != "f":
        raise ours(
            TypeError(f"gave scores of type {scores.dtype}, not of floats"), "gave scores that are not of floats"
        )
    if np.count_nonzero(np.isinf(scores)):
        raise ours(ValueError("gave scores that are no finite numbers"))
    if bounded and np.count_nonzero((scores < 0) | (scores > 1)):
        raise ours(ValueError("gave scores that are not from 0 to 1"))


def check_refused(refused: Any, batch: Batch) -> Mask:
    """Return what a gate refuses, of the batch's shape; raises TypeError or ValueError where it is no such mask."""
    mask = np.asarray(refused)
    if mask.dtype != np.bool_:
        raise ours(TypeError(f"gave {mask.dtype.name}, not booleans"))
    try:
        return np.broadcast_to(mask, batch.shape)
    except ValueError:
        said = f"gave booleans of shape {mask.shape}, not {batch.shape}"
        raise ours(ValueError(said), "gave booleans that are not of the batch's shape") from None


def check_reason(reason: object) -> None:
    """Return if it is None, or a reason that can be told; raises TypeError or ValueError."""
    if reason is None:
        return
    if not isinstance(reason, Reason):
        raise ours(TypeError(f"gave {type(reason).__name__}, not a Reason"))
    if not isinstance(reason.path, tuple) or not all(isinstance(part, str) for part in reason.path):
        said = "gave a reason whose path is no tuple of texts"
        raise ours(TypeError(f"{said}: {reason.path!r}"), said)
    if not is_text(reason.text):
        raise ours(TypeError(f"gave a reason without a text in each of {', '.join(Language)}"))
    _check_texts("reason", reason.recommender, "".join(reason.path), *texts_of(reason.text).values())


def check_refusal(refusal: object) -> None:
    """Return if it can be told; raises TypeError or ValueError."""
    if not isinstance(refusal, Refusal) or not is_text(refusal.text):
        raise ours(TypeError("gave no refusal with a text in each language"))
    if refusal.unlock is not None and not is_text(refusal.unlock):
        raise ours(TypeError("gave a refusal whose unlock is no text in each language"))
    said = [text for own in (refusal.text, refusal.unlock) if own is not None for text in texts_of(own).values()]
    _check_texts("refusal", refusal.gate, refusal.code, refusal.saw, *said)


def texts_of(text: Text) -> dict[Language, str]:
    """Return what it says in each language, and no more."""
    return {language: text[language] for language in Language}


def _check_texts(what: str, *texts: object) -> None:
    for text in texts:
        if not isinstance(text, str):
            raise ours(TypeError(f"gave a {what} with {type(text).__name__} in place of a text"))
        if len(text) > MOST_TEXT:
            raise ours(ValueError(f"gave a {what} of more than {MOST_TEXT} characters"))
        if not is_utf8(text):
            raise ours(ValueError(f"gave a {what} with {NO_TEXT}"))
