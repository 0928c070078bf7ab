"""Training: the portfolio into arrays, and openings of the last year into propensities."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from graph import customers, portfolio
from graph.errors import ModelError
from graph.records import Customer
from graph.store import Store
from recommenders.artefact import Model
from recommenders.batch import Batch
from recommenders.calibration import Calibration, Curve, learn_curve
from recommenders.catalogue import Catalogue
from recommenders.contract import Context, Mask, Recommender, Trainable
from recommenders.portfolio import Portfolio, PortfolioReader

PERIOD: Final = timedelta(days=365)
SAMPLE: Final = 4_000
PAGE: Final = 2_000


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
    progress: Callable[[int], None] | None = None,
) -> Trained:
    """Learn from the graph as it was on ``as_of``; ``progress`` is told how many customers have been read.

    Raises:
        ModelError: the graph has no customers or no products.
    """
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    now, past, sample = await _read(store, catalogue, as_of, progress or (lambda _: None))
    seconds["reading"] = time.perf_counter() - started
    if not now.customers or not len(catalogue):
        raise ModelError("There are no customers and products to learn from; run guanxi load first.")
    arrays = {}
    for recommender in recommenders:
        if isinstance(recommender, Trainable):
            started = time.perf_counter()
            arrays[recommender.name] = recommender.fit(now)
            seconds[recommender.name] = time.perf_counter() - started
    started = time.perf_counter()
    calibration = learn_calibration(recommenders, catalogue, past, sample, as_of)
    seconds["calibration"] = time.perf_counter() - started
    learnt_from = {
        "customers": now.customers,
        "holdings": now.holdings,
        "products": len(catalogue),
        "first": str(now.first) if now.first else None,
        "last": str(now.last) if now.last else None,
    }
    versions = {r.name: r.version for r in recommenders if isinstance(r, Trainable)}
    return Trained(Model(catalogue.codes, as_of, arrays, calibration, versions, learnt_from), seconds)


def learn_calibration(
    recommenders: Sequence[Recommender], catalogue: Catalogue, past: Portfolio, sample: Sequence[Customer], as_of: date
) -> Calibration:
    """Learn each recommender's curve: scores on what was known a year before ``as_of`` against openings since."""
    if not past.holdings or not sample:
        return Calibration()
    context = Context(today=past.today)
    batch = Batch.of(sample, catalogue, context)
    opened = _opened(sample, catalogue, past.today, as_of)
    if not opened.any():
        return Calibration()
    curves: dict[str, Curve] = {}
    for recommender in recommenders:
        learnt = recommender
        if isinstance(recommender, Trainable):
            learnt = recommender.with_arrays(recommender.fit(past), catalogue.codes)
        scores = np.where(batch.held, np.nan, learnt.propose(batch).scores)
        curve = learn_curve(scores.astype(np.float32), opened)
        if curve is not None:
            curves[recommender.name] = curve
    return Calibration(curves)


async def _read(
    store: Store, catalogue: Catalogue, as_of: date, progress: Callable[[int], None]
) -> tuple[Portfolio, Portfolio, list[Customer]]:
    now, past = PortfolioReader(catalogue, as_of), PortfolioReader(catalogue, as_of - PERIOD)
    read, sample = 0, list[Customer]()
    async for page in portfolio.pages(store, PAGE):
        for row in page:
            now.add(row)
            past.add(row)
        if len(sample) < SAMPLE:
            sample += await customers.load(store, [row["customer_no"] for row in page])
        read += len(page)
        progress(read)
    return now.portfolio(), past.portfolio(), sample


def _opened(sample: Sequence[Customer], catalogue: Catalogue, after: date, until: date) -> Mask:
    opened = np.zeros((len(sample), len(catalogue)), np.bool_)
    for row, customer in enumerate(sample):
        for holding in customer.holdings:
            if holding.opened_on is not None and after < holding.opened_on <= until:
                opened[row, catalogue.index[holding.product_code]] = True
    return opened
