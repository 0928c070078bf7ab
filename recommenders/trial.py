"""Puts the past to the test: what is learnt without what came after it, and the scores that it then gives.

Three ways to split. By time: everything happens as on a day of the past, and the openings of the period after it are
the truth. Where openings carry no dates, one holding of each of a quarter of the customers is hidden from training and
request alike; hiding one of everybody's would leave training without what it has when it counts (of two that are held
together, never both). Or the truth is given, and what was known on a day is learnt from.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, TypeAlias

import numpy as np
from dateutil.relativedelta import relativedelta
from numpy.typing import NDArray

from graph.errors import ModelError
from graph.records import Customer, Scalar
from graph.words import ValueTier
from recommenders.artefact import Model
from recommenders.contract import Context, Mask, Recommender, Scores
from recommenders.engine import Engine, Ranking
from recommenders.evaluation import Report, Scored, System, evaluate
from recommenders.examples import PAGE, Draw, Load, Seen, draw, draw_hidden, without
from recommenders.failing import Failed, logged
from recommenders.fairness import columns_of, groups_of, paths_of, proxies_of
from recommenders.features import Features, extract
from recommenders.metrics import best_first
from recommenders.portfolio import EVER, Ledger
from recommenders.timeline import find_period, openings
from recommenders.training import Guard, Progress, learn
from recommenders.view import CustomerView

MOST_OPENERS: Final = 20_000
MOST_OTHERS: Final = 10_000
"""Customers that are scored; more would narrow the intervals a little, and take memory."""
HIDDEN_SHARE: Final = 0.25
FEATURES_KEPT: Final = 5_000
"""Customers whose features are kept for the proxy check."""
NEW_MONTHS: Final = 12
VERSION: Final = 1
"""Of the report: it rises when a name is taken away or changes its meaning."""
SEED: Final = 11

INSIGHTS: Final = ("churn", "demand", "segments")
"""What the model's card tells of, beside the ranking."""

EngineOf: TypeAlias = Callable[[Model], Engine]


@dataclass(frozen=True, slots=True)
class Split:
    """What may be learnt from, and what came after.

    Attributes:
        how: by time, with one holding hidden, or with the truth given.
        ledger, load: the bank as training may see it; of what is hidden they know nothing.
        day: the last day that is known.
        until: the last day of the truth; None where it has none.
        months: how long the truth reaches; 0 where it has no length.
        drawn: the customers to score, and what each opened.
        newcomers: openings of those who joined after the day, which nobody could foresee; left out.
        undated: by product code, the share of its holdings whose day is not known, where there are any. They are taken
            as held since ever, in learning and here: what came later makes figures better than they are.
    """

    how: Literal["time", "hidden", "holdout"]
    ledger: Ledger
    load: Load
    day: date
    until: date | None
    months: int
    drawn: Draw
    newcomers: int = 0
    undated: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """A split, the model learnt from its past, and the scores of its customers.

    Attributes:
        features: those of a sample of the scored customers, at ``sampled`` of their positions; None without a ranker.
    """

    split: Split
    model: Model
    scored: Scored
    features: Features | None
    sampled: NDArray[np.intp]


def split_bank(ledger: Ledger, load: Load, as_of: date) -> Split:
    """Split by time, or hide a holding each of some customers where openings carry no dates.

    Raises:
        ModelError: there is nothing to evaluate, and why.
    """
    if not ledger.customer_nos or not len(ledger.catalogue):
        raise ModelError("There are no customers and products to evaluate; run guanxi load first.")
    period = find_period(ledger, as_of)
    if period.hides:
        return _hide_one(ledger, load, as_of)
    day = period.until - relativedelta(months=period.months)
    found = openings(ledger, day, period.until)
    here = ledger.present(day)[found[:, 0]]
    if not here.any():
        raise ModelError(
            f"There is nothing to evaluate: of those who were customers on {day}, nobody opened a product that he did "
            f"not hold by {period.until}; {len(found)} openings are of customers who joined later. Try another --as-of."
        )
    drawn = _draw(ledger, day, found[here])
    return Split("time", ledger, load, day, period.until, period.months, drawn, int((~here).sum()),
                 _undated(ledger, day))  # fmt: skip


def split_given(ledger: Ledger, load: Load, as_of: date, truth: NDArray[np.int32]) -> Split:
    """Learn from all that was known on a day; the truth is ``(o, 2)`` rows of the ledger and columns.

    Raises:
        ModelError: nothing of the truth was still to be opened.
    """
    portfolio = ledger.portfolio(as_of)
    here = np.isin(truth[:, 0], portfolio.rows)
    place = np.searchsorted(portfolio.rows, truth[here, 0])
    fresh = truth[here][~np.asarray(portfolio.held[place, truth[here, 1]] > 0).ravel()] if here.any() else truth[:0]
    if not len(fresh):
        raise ModelError(
            f"There is nothing to evaluate: all {len(truth)} known pairs of the holdout are of customers who joined "
            f"after {as_of}, or of products they held by then."
        )
    return Split("holdout", ledger, load, as_of, None, 0, _draw(ledger, as_of, fresh), int((~here).sum()))


async def run(
    split: Split,
    recommenders: Sequence[Recommender],
    engine_of: EngineOf,
    attributes: Sequence[str] = (),
    *,
    guard: Guard = lambda recommender: recommender,
    failed: Failed = logged,
    protected: Sequence[str] = (),
    unranked: Collection[str] = (),
    progress: Progress = lambda _, __: None,
) -> Trial:
    """Learn from the split's past alone, and score its customers as they were then, a page at a time.

    ``attributes`` are the columns of the customers' file that groups are told of.
    """
    trained = await learn(split.ledger, split.load, recommenders, split.day, guard=guard, failed=failed,
                          protected=protected, unranked=unranked, progress=progress)  # fmt: skip
    engine, drawn = engine_of(trained.model), split.drawn
    count = len(drawn.rows)
    keep = np.random.default_rng(SEED).permutation(count)[:FEATURES_KEPT]
    kept = np.zeros(count, np.bool_)
    kept[keep] = True
    pages, features = list[Scored](), list[Features]()
    for start in range(0, count, PAGE):
        those = slice(start, min(start + PAGE, count))
        numbers = [split.ledger.customer_nos[row] for row in drawn.rows[those]]
        records = {record.customer_no: record for record in await split.load(numbers)}
        ranking = engine.rank([records[number] for number in numbers], Context(today=split.day, channel=None))
        found = _features(engine, ranking)
        pages.append(_score(split, engine, ranking, found, those, attributes))
        if found is not None:
            features.append(found.take(np.flatnonzero(kept[those])))
        progress("scoring", those.stop)
    sampled = np.flatnonzero(kept)
    return Trial(split, trained.model, Scored.joined(pages), Features.joined(features) if features else None, sampled)


def report(trial: Trial, as_of: date, k: int) -> Report:
    """Return all there is to say of a trial, as plain values; ``tests/recommenders/test_trial.py`` lists the names."""
    split, scored, ranker = trial.split, trial.scored, trial.model.ranker
    codes = split.ledger.catalogue.codes
    portfolio = split.ledger.portfolio(split.day)
    groups, rows = groups_of(scored, codes, k), split.drawn.rows[trial.sampled]
    columns = list(paths_of(portfolio, rows))
    if trial.features is not None and ranker is not None:
        columns += columns_of(trial.features, ranker.schema)
    proxies = {name: proxies_of(name, values[trial.sampled], columns) for name, values in scored.groups.items()}
    return {
        "version": VERSION,
        "as_of": str(as_of),
        "split": {
            "how": split.how,
            "learnt_until": str(split.day),
            "scored_until": None if split.until is None else str(split.until),
            "months": split.months,
            "months_learnt": None if ranker is None else ranker.period_months,
            "openings_of_newcomers": split.newcomers,
            "undated": dict(split.undated),
            "stack": None if ranker is None else dict(ranker.stack),
        },
        "products_known": list(codes),
        "insights": {name: ranker.card.get(name) for name in INSIGHTS} if ranker else {},
        **evaluate(scored, portfolio.held, codes, k),
        "fairness": {name: {**groups[name], "proxies": proxies[name]} for name in groups},
    }


def _draw(ledger: Ledger, day: date, found: NDArray[np.int32]) -> Draw:
    seen = Seen(np.flatnonzero(ledger.present(day)).astype(np.int32), found)
    return draw(len(ledger.customer_nos), len(ledger.catalogue), [seen], MOST_OPENERS, MOST_OTHERS)


def _undated(ledger: Ledger, day: date) -> dict[str, float]:
    spans, width = ledger.holdings, len(ledger.catalogue)
    known = spans.on(day.toordinal())
    every = np.bincount(spans.columns[known], minlength=width)
    undated = np.bincount(spans.columns[known & (spans.since == EVER)], minlength=width)
    return {code: int(undated[c]) / int(every[c]) for c, code in enumerate(ledger.catalogue.codes) if undated[c]}


def _hide_one(ledger: Ledger, load: Load, as_of: date) -> Split:
    spans, width = ledger.holdings, len(ledger.catalogue)
    known = np.flatnonzero(spans.on(as_of.toordinal()) & ledger.present(as_of)[spans.rows])
    dice = np.random.default_rng(SEED)
    positions = dice.permutation(known)
    if not len(positions):
        raise ModelError(
            f"There is nothing to evaluate: nobody holds a product on {as_of}, so none can be hidden; load holdings "
            "first, or try another --as-of."
        )
    first = np.unique(spans.rows[positions], return_index=True)[1]
    chosen = positions[dice.choice(first, math.ceil(HIDDEN_SHARE * len(first)), replace=False)]
    pairs = np.stack([spans.rows[chosen], spans.columns[chosen]], axis=1)
    keys = spans.rows.astype(np.int64) * width + spans.columns
    less = ledger.without(np.flatnonzero(np.isin(keys, pairs[:, 0].astype(np.int64) * width + pairs[:, 1])))
    hidden = {ledger.customer_nos[row]: int(column) for row, column in pairs}
    drawn = draw_hidden(width, [Seen(pairs[:, 0], pairs)])
    return Split("hidden", less, _forgetting(load, ledger, hidden), as_of, None, 0, drawn)


def _forgetting(load: Load, ledger: Ledger, hidden: Mapping[str, int]) -> Load:
    async def load_less(numbers: Sequence[str]) -> Sequence[Customer]:
        return [without(record, ledger.catalogue, hidden.get(record.customer_no, -1)) for record in await load(numbers)]

    return load_less


def _features(engine: Engine, ranking: Ranking) -> Features | None:
    if engine.ranker is None:
        return None
    return extract(engine.ranker.schema, ranking.passes.general, ranking.general_scores)


def _score(
    split: Split, engine: Engine, ranking: Ranking, found: Features | None, those: slice, attributes: Sequence[str]
) -> Scored:
    batch, opened = ranking.batch, split.drawn.opened[those]
    held = batch.held
    horizon = _horizon(split, engine)
    systems = [
        System(name, "recommender", best_first(_open(proposed.scores, held)),
               horizon(_open(ranking.strengths[name], held)))
        for name, proposed in ranking.proposed.items()
    ]  # fmt: skip
    if engine.ranker is not None and found is not None:
        expected = engine.ranker.expected_openings(found)[:, None]
        for name, logs in engine.ranker.members(found).items():
            shares = _open(logs, held)
            chances = -np.expm1(-expected * np.exp(shares) * engine.ranker.corrections)
            named = "popularity of openings" if name == "popularity" else name
            systems.append(System(named, "member", best_first(shares), horizon(chances)))
    propensities = _open(ranking.propensities, held)
    passed = np.where(ranking.passed, propensities, np.nan)
    systems += [
        System("ranker", "whole", best_first(propensities), horizon(propensities)),
        System("ranker, gated", "whole", best_first(passed), None),
        System("engine", "whole", best_first(ranking.priorities), None),
    ]
    views = batch.customers
    return Scored(
        opened,
        held,
        split.drawn.weights[those],
        ranking.passed,
        {
            gate.code: (refused & opened).sum(axis=1)
            for gate, refused in zip(engine.gates, ranking.refused, strict=True)
        },
        _segments(views),
        {name: np.array([value_of(view, name) for view in views], np.object_) for name in attributes},
        {system.name: system for system in systems},
    )


def _open(scores: Scores, held: Mask) -> Scores:
    return np.where(held, np.float32(np.nan), scores)


def _horizon(split: Split, engine: Engine) -> Callable[[Scores], Scores]:
    """Propensities look as far ahead as was learnt; return what makes them look as far as the truth reaches."""
    learnt = engine.ranker.period_months if engine.ranker is not None else 0
    if not learnt or not split.months or learnt == split.months:
        return lambda chances: chances.astype(np.float32)
    power = split.months / learnt
    return lambda chances: (-np.expm1(power * np.log1p(-np.minimum(chances, 1 - 1e-6)))).astype(np.float32)


def _segments(views: Sequence[CustomerView]) -> dict[str, Mask]:
    months = np.array([np.nan if v.months_with_bank is None else v.months_with_bank for v in views], np.float64)
    members = np.array([bool(view.memberships) for view in views], np.bool_)
    found = {"new customers": months < NEW_MONTHS, "old customers": months >= NEW_MONTHS}
    for tier in ValueTier:
        found[f"value tier {tier}"] = np.array([view.tier is tier for view in views], np.bool_)
    found |= {"programme members": members, "no programme": ~members}
    return found | {"cold: nothing held": np.array([not view.holdings for view in views], np.bool_)}


def value_of(view: CustomerView, attribute: str) -> Scalar | None:
    """Return what the bank's file says of a customer in a column; of a birth date, the age on the day."""
    if attribute in {"age", "birth_date"}:
        return view.age
    if attribute in view.attributes:
        return view.attributes[attribute]
    found = getattr(view, attribute, None)
    return found if isinstance(found, str | int | float | date) else None
