"""Training: the portfolio into arrays, and the past into a ranker."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from graph import portfolio
from graph.errors import ModelError
from graph.store import Store
from recommenders.artefact import Model, applied
from recommenders.calibration import Calibration, learn_curve, served_name
from recommenders.catalogue import Catalogue
from recommenders.churn import ActiveMonths, Churn, fit_churn
from recommenders.comparing import Comparison, compare
from recommenders.contract import Arrays, Recommender, Trainable, check_arrays, is_told, learns_from_customers
from recommenders.demand import fit_demand
from recommenders.examples import Examples, Load, Past, Seen, draw, draw_hidden, read_examples, sample_schema
from recommenders.failing import Failed, logged, warn_anew, warned_once
from recommenders.hindsight import Hindsight
from recommenders.insight import Tell
from recommenders.known_customers import KnownCustomers, read_customers
from recommenders.learning import Judged, fit_ranker
from recommenders.portfolio import Ledger, Portfolio
from recommenders.prospects import learn_swing
from recommenders.purposes import PurposeLimits
from recommenders.ranker import Ranker
from recommenders.segments import Segments, fit_segments
from recommenders.similar import fit_similar
from recommenders.timeline import Moment, Period, find_period, moments
from recommenders.trends import fit_trends

Guard: TypeAlias = Callable[[Recommender], Recommender]
Progress: TypeAlias = Callable[[str, int], None]
"""Told what is being done, and how many customers have been read for it."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A model, how long each part took in seconds, and how it compares with the live one, where there is one."""

    model: Model
    seconds: dict[str, float]
    comparison: Comparison | None = None


async def train(
    store: Store,
    catalogue: Catalogue,
    recommenders: Sequence[Recommender],
    as_of: date,
    *,
    guard: Guard = lambda recommender: recommender,
    failed: Failed = logged,
    protected: Sequence[str] = (),
    unranked: Collection[str] = (),
    live: Model | None = None,
    progress: Progress = lambda _, __: None,
) -> Trained:
    """Learn from the graph as it was on ``as_of``; of ``protected`` columns no feature is made.

    ``guard`` makes of each recommender one that raises nothing but ``Omitted``, and ``failed`` is told of each that
    learns nothing; ``live``, the model in force, is compared with, and its segments keep their names. Recommenders of
    the names ``unranked`` learn, and their curves are learnt, but the ranker knows nothing of them: it is as it would
    be without them, to the bit.

    Raises:
        ModelError: the graph has no customers or no products, or its holdings are all of later days.
    """
    started = time.perf_counter()
    ledger = await read_ledger(store, catalogue, lambda read: progress("portfolio", read))
    _check_begun(ledger, as_of)
    reading = time.perf_counter() - started
    trained = await learn(ledger, partial(portfolio.load, store), recommenders, as_of, guard=guard,
                          failed=failed, protected=protected, unranked=unranked, live=live,
                          progress=progress)  # fmt: skip
    seconds = {"reading": reading} | trained.seconds
    training = {**trained.model.training, "seconds": seconds}
    return replace(trained, model=replace(trained.model, training=training), seconds=seconds)


def _check_begun(ledger: Ledger, as_of: date) -> None:
    since = ledger.holdings.since
    if len(since) and since.min() > as_of.toordinal():
        raise ModelError(
            f"There is nothing to learn from on {as_of}: the first holding is of {date.fromordinal(int(since.min()))}. "
            "Try another --as-of."
        )


async def learn(
    ledger: Ledger,
    load: Load,
    recommenders: Sequence[Recommender],
    as_of: date,
    *,
    guard: Guard = lambda recommender: recommender,
    failed: Failed = logged,
    protected: Sequence[str] = (),
    unranked: Collection[str] = (),
    live: Model | None = None,
    progress: Progress = lambda _, __: None,
) -> Trained:
    """Learn from a ledger, reading the customers of examples by ``load``; as ``train``.

    Of confined data nothing is learnt, but how often what it may serve is opened after a recommender's score.
    """
    warn_anew()
    clock, now = _Clock(), ledger.portfolio(as_of)
    if not now.customers or not len(ledger.catalogue):
        raise ModelError("There are no customers and products to learn from; run guanxi load first.")
    with clock.of("customers"):
        customers = await read_customers(load, ledger, recommenders, lambda read: progress("customers", read))
    hindsight = None
    if customers and any(map(is_told, recommenders)):
        hindsight = Hindsight(ledger, customers, tuple(protected), live.segments if live else None)
    why = dict[str, str]()

    def unlearnt(recommender: Recommender, error: BaseException) -> str:
        why[recommender.name] = failed(recommender, error)
        return why[recommender.name]

    arrays = fit_all(recommenders, now, clock, customers, await _tell(hindsight, now, clock), unlearnt)
    known = [recommender for recommender in recommenders
             if not isinstance(recommender, Trainable) or recommender.name in arrays]  # fmt: skip
    period = find_period(ledger, as_of)
    learnt, judged = _Learnt(), list[Judged]()
    past, seen = list[Past](), list[Seen]()
    for moment in moments(ledger, period):
        past.append(as_then(moment, known, guard, customers, await _tell(hindsight, moment.portfolio, clock), failed))
        seen.append(Seen(moment.portfolio.rows, moment.openings))
    products = len(ledger.catalogue)
    drawn = draw_hidden(products, seen) if period.hides else draw(len(ledger.customer_nos), products, seen)
    with clock.of("demand"):
        demand, of_demand = fit_demand(ledger, period)
    if drawn.opened.any():
        active = ActiveMonths(load, ledger.catalogue.limits.kinds)
        with clock.of("examples"):
            ranked = [recommender for recommender in known if recommender.name not in unranked]
            schema = await sample_schema(
                active, ledger, ranked, as_of, protected=tuple(protected), seasonal=period.sees_seasons
            )
            examples = await read_examples(active, ledger, schema, drawn, past, lambda read: progress("examples", read))
        with clock.of("ranker"):
            ranker = fit_ranker(schema, examples, now, period, judged.append)
            calibration = learn_calibration(examples, schema.recommenders)
        with clock.of("churn"):
            churn, of_churn = fit_churn(schema, examples, ledger, active, [then.day for then in past], period)
        with clock.of("segments"):
            named = live.segments if live else None
            segments, of_segments = await fit_segments(load, ledger, schema, as_of, named)
        periods = [] if period.hides else [np.bincount(then.openings[:, 1], minlength=products) for then in seen]
        card = {
            "swing": learn_swing(np.array(periods)),
            "churn": of_churn,
            "demand": of_demand,
            "segments": of_segments,
        }
        learnt = _Learnt(replace(ranker, card={**ranker.card, **card}), calibration, churn, segments)
    with clock.of("aggregates"):
        aggregates = {"similar": fit_similar(now.held), "trends": fit_trends(ledger, as_of)}
    model = Model(
        product_codes=ledger.catalogue.codes,
        as_of=as_of,
        arrays=arrays,
        calibration=learnt.calibration,
        ranker=learnt.ranker,
        churn=learnt.churn,
        demand=demand,
        segments=learnt.segments,
        versions={recommender.name: recommender.version for recommender in recommenders if recommender.name in arrays},
        learnt_from=_learnt_from(now, period),
        aggregates=aggregates,
        training=_told(known, protected, ledger.catalogue.limits, judged, period, past, clock)
        | {
            "learnt_nothing": {
                own.name: {"version": own.version, "why": why[own.name]} for own in recommenders if own.name in why
            }
        },
    )
    if live is None:
        return Trained(model, clock.seconds)
    served = [guard(recommender) for recommender in live.apply(recommenders, failed)]
    with clock.of("comparison"):
        latest = judged[0] if judged else None
        comparison = await compare(model, live, latest, ledger, load, period, past, served)
    return Trained(model, clock.seconds, comparison)


@dataclass(frozen=True, slots=True)
class _Learnt:
    """What is learnt of customers at moments of the past, where there are any."""

    ranker: Ranker | None = None
    calibration: Calibration = field(default_factory=Calibration)
    churn: Churn | None = None
    segments: Segments | None = None


async def _tell(hindsight: Hindsight | None, then: Portfolio, clock: "_Clock") -> Tell | None:
    """Return what says what a model would have said on a portfolio's day; None where no recommender is told."""
    if hindsight is None:
        return None
    with clock.of("hindsight"):
        return (await hindsight.learnt(then)).tell


async def read_ledger(store: Store, catalogue: Catalogue, progress: Callable[[int], None]) -> Ledger:
    """Read every customer's dated facts."""
    ledger = Ledger(catalogue)
    async for page in portfolio.pages(store):
        for row in page:
            ledger.add(row)
        progress(len(ledger.customer_nos))
    return ledger


def fit_all(
    recommenders: Sequence[Recommender],
    known: Portfolio,
    clock: "_Clock | None" = None,
    customers: KnownCustomers | None = None,
    tell: Tell | None = None,
    failed: Failed = logged,
) -> dict[str, Arrays]:
    """Fit every trainable recommender; one that fails, or cannot answer from it, is told of, and learns nothing."""
    arrays = {}
    whole = customers.beside(known, tell) if customers else known
    for recommender in recommenders:
        if isinstance(recommender, Trainable):
            with (clock or _Clock()).of(recommender.name), warned_once(recommender.name):
                try:
                    learnt = recommender.fit((whole if learns_from_customers(recommender) else known).own())
                    check_arrays(learnt)
                    recommender.with_arrays(learnt, known.catalogue.codes)
                except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything, and others learn on
                    failed(recommender, error)
                else:
                    arrays[recommender.name] = learnt
    return arrays


def as_then(
    moment: Moment,
    recommenders: Sequence[Recommender],
    guard: Guard = lambda recommender: recommender,
    customers: KnownCustomers | None = None,
    tell: Tell | None = None,
    failed: Failed = logged,
) -> Past:
    """Return the recommenders as they would have been at a moment: fitted to, and told, what was known then."""
    portfolio = moment.portfolio
    arrays = fit_all(recommenders, portfolio, customers=customers, tell=tell, failed=failed)
    fitted = applied(recommenders, arrays, portfolio.catalogue.codes, failed)
    return Past(portfolio.today, tuple(guard(recommender) for recommender in fitted), tell)


def learn_calibration(examples: Examples, names: Sequence[str]) -> Calibration:
    """Learn each recommender's curves: its scores at moments of the past against what was opened next.

    What it scores by confined data has a curve of its own, of products that the data may serve, and for these alone.
    """
    pairs, drawn = examples.features.pairs, examples.draw
    curves = {}
    for name in names:
        scores = np.where(examples.features.held, np.nan, pairs[f"score:{name}"]).astype(np.float32)
        curves[name] = learn_curve(scores, drawn.opened, drawn.weights)
    further = dict(examples.unranked) | {served_name(name): own for name, own in examples.served.items()}
    for name, own in further.items():
        curves[name] = learn_curve(own.scores[:, None], own.opened[:, None], own.weights)
    return Calibration({name: curve for name, curve in curves.items() if curve is not None})


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


def _told(
    known: Sequence[Recommender],
    protected: Sequence[str],
    limits: PurposeLimits,
    judged: Sequence[Judged],
    period: Period,
    past: Sequence[Past],
    clock: "_Clock",
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "recommenders": {recommender.name: recommender.version for recommender in known},
        "protected": list(protected),
        "purpose_limits": limits.told(),
        "seconds": dict(clock.seconds),
    }
    for latest in judged:
        earliest = past[int(latest.examples.draw.moments.max())].day
        told["judged"] = {
            "from": None if period.hides else str(earliest),
            "until": str(period.until),
            "examples": len(latest.examples.draw.rows),
        }
    return told


class _Clock:
    """Seconds by what they were spent on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - started
