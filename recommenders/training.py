"""Training: the portfolio into arrays, and the past into a ranker."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from graph import customers, portfolio
from graph.errors import ModelError
from graph.store import Store
from recommenders.artefact import Model
from recommenders.calibration import Calibration, learn_curve
from recommenders.catalogue import Catalogue
from recommenders.churn import ActiveMonths, fit_churn
from recommenders.contract import Arrays, Recommender, Trainable
from recommenders.demand import fit_demand
from recommenders.examples import Examples, Load, Past, Seen, draw, draw_hidden, read_examples, sample_schema
from recommenders.learning import fit_ranker
from recommenders.portfolio import Ledger, Portfolio
from recommenders.segments import fit_segments
from recommenders.timeline import Moment, Period, find_period, moments

logger = logging.getLogger("guanxi.training")

Guard: TypeAlias = Callable[[Recommender], Recommender]
Progress: TypeAlias = Callable[[str, int], None]
"""Told what is being done, and how many customers have been read for it."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A model, and how long each part took in seconds."""

    model: Model
    seconds: dict[str, float]


async def train(
    store: Store,
    catalogue: Catalogue,
    recommenders: Sequence[Recommender],
    as_of: date,
    *,
    guard: Guard = lambda recommender: recommender,
    protected: Sequence[str] = (),
    progress: Progress = lambda _, __: None,
    before: Model | None = None,
) -> Trained:
    """Learn from the graph as it was on ``as_of``; of ``protected`` columns no feature is made.

    ``guard`` makes of each recommender one that raises nothing but ``Omitted``; the segments of ``before``, the
    model in force, keep their names.

    Raises:
        ModelError: the graph has no customers or no products.
    """
    started = time.perf_counter()
    ledger = await read_ledger(store, catalogue, lambda read: progress("portfolio", read))
    reading = time.perf_counter() - started
    trained = await learn(ledger, partial(customers.load, store), recommenders, as_of, guard=guard,
                          protected=protected, progress=progress, before=before)  # fmt: skip
    return replace(trained, seconds={"reading": reading} | trained.seconds)


async def learn(
    ledger: Ledger,
    load: Load,
    recommenders: Sequence[Recommender],
    as_of: date,
    *,
    guard: Guard = lambda recommender: recommender,
    protected: Sequence[str] = (),
    progress: Progress = lambda _, __: None,
    before: Model | None = None,
) -> Trained:
    """Learn from a ledger, reading the customers of examples by ``load``; as ``train``."""
    clock, now = _Clock(), ledger.portfolio(as_of)
    if not now.customers or not len(ledger.catalogue):
        raise ModelError("There are no customers and products to learn from; run guanxi load first.")
    arrays = fit_all(recommenders, now, clock)
    known = [recommender for recommender in recommenders
             if not isinstance(recommender, Trainable) or recommender.name in arrays]  # fmt: skip
    period = find_period(ledger, as_of)
    ranker, calibration = None, Calibration()
    churn = segments = None
    active = ActiveMonths(load)
    with clock.of("demand"):
        demand, of_demand = fit_demand(ledger, period)
    past, seen = list[Past](), list[Seen]()
    for moment in moments(ledger, period):
        past.append(_past(moment, known, guard))
        seen.append(Seen(moment.portfolio.rows, moment.openings))
    products = len(ledger.catalogue)
    drawn = draw_hidden(products, seen) if period.hides else draw(len(ledger.customer_nos), products, seen)
    if drawn.opened.any():
        names = [recommender.name for recommender in known]
        with clock.of("examples"):
            schema = await sample_schema(active, ledger, names, as_of, protected)
            examples = await read_examples(active, ledger, schema, drawn, past, lambda read: progress("examples", read))
        with clock.of("ranker"):
            ranker = fit_ranker(schema, examples, now, period)
            calibration = learn_calibration(examples, names)
        with clock.of("churn"):
            churn, of_churn = fit_churn(schema, examples, ledger, active, [then.day for then in past], period)
        with clock.of("segments"):
            segments, of_segments = await fit_segments(load, ledger, schema, as_of, before.segments if before else None)
        insight = {"churn": of_churn, "demand": of_demand, "segments": of_segments}
        ranker = replace(ranker, card={**ranker.card, **insight})
    versions = {recommender.name: recommender.version for recommender in recommenders if recommender.name in arrays}
    model = Model(ledger.catalogue.codes, as_of, arrays, calibration, ranker, versions, _learnt_from(now, period))
    model = replace(model, churn=churn, demand=demand, segments=segments)
    return Trained(model, clock.seconds)


async def read_ledger(store: Store, catalogue: Catalogue, progress: Callable[[int], None]) -> Ledger:
    """Read every customer's dated facts."""
    ledger = Ledger(catalogue)
    async for page in portfolio.pages(store):
        for row in page:
            ledger.add(row)
        progress(len(ledger.customer_nos))
    return ledger


def fit_all(recommenders: Sequence[Recommender], known: Portfolio, clock: "_Clock | None" = None) -> dict[str, Arrays]:
    """Fit every trainable recommender; one that fails is logged, and learns nothing."""
    arrays = {}
    for recommender in recommenders:
        if isinstance(recommender, Trainable):
            with (clock or _Clock()).of(recommender.name):
                try:
                    arrays[recommender.name] = recommender.fit(known)
                except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and others learn on
                    logger.warning("%s learnt nothing: %s: %s", recommender.name, type(error).__name__, error)
    return arrays


def learn_calibration(examples: Examples, names: Sequence[str]) -> Calibration:
    """Learn each recommender's curve: its scores at moments of the past against what was opened next."""
    pairs, drawn = examples.features.pairs, examples.draw
    open_to = pairs["holds"] == 0
    curves = {}
    for name in names:
        scores = np.where(open_to, pairs[f"score:{name}"], np.nan).astype(np.float32)
        curve = learn_curve(scores, drawn.opened, drawn.weights)
        if curve is not None:
            curves[name] = curve
    return Calibration(curves)


def _past(moment: Moment, recommenders: Sequence[Recommender], guard: Guard) -> Past:
    arrays = fit_all(recommenders, moment.portfolio)
    codes = moment.portfolio.catalogue.codes
    fitted = [
        recommender.with_arrays(arrays[recommender.name], codes) if isinstance(recommender, Trainable) else recommender
        for recommender in recommenders
        if not isinstance(recommender, Trainable) or recommender.name in arrays
    ]
    return Past(moment.portfolio.today, tuple(guard(recommender) for recommender in fitted))


def _learnt_from(now: Portfolio, period: Period) -> dict[str, Any]:
    return {
        "customers": now.customers,
        "holdings": now.holdings,
        "products": len(now.catalogue),
        "first": str(now.first) if now.first else None,
        "last": str(now.last) if now.last else None,
        "period_months": period.months,
        "moments": period.moments,
    }


class _Clock:
    """Seconds by what they were spent on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - started
