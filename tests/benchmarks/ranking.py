"""What each part of the ranker adds, on three emulated banks whose next period is hidden.

Beside popularity and collaborative filtering alone: the members of the stack, the stack, the stack with other
collaborative recommenders' scores, and the stack without one group of features at a time. Bare LightGBM on the same
finished table is the member "boosting".

    python tests/benchmarks/ranking.py [--customers 8000] [--banks retail insurer undated] [--seed 10]
"""

import argparse
import asyncio
import time
from dataclasses import replace

import numpy as np
from collaborative import COSINE, LINEAR
from emulated_banks import BANKS
from rich.console import Console
from rich.table import Table

from recommenders.als import Als
from recommenders.batch import Batch
from recommenders.cohorts import Cohorts
from recommenders.contract import Context
from recommenders.examples import Seen, draw, draw_hidden, proposals, read_examples, sample_schema
from recommenders.features import Features, extract
from recommenders.learning import fit_ranker
from recommenders.metrics import mean_average_precision
from recommenders.popularity import Popularity
from recommenders.ranker import stacked
from recommenders.rules import LifecycleRules
from recommenders.timeline import find_period, moments
from recommenders.training import as_then, fit_all

SHIPPED = (Als(), LifecycleRules(), Cohorts(), Popularity())
RECOMMENDERS = (*SHIPPED, COSINE, LINEAR)
ALONE = {"ALS": "als", "item-item": "cosine", "linear (EASE)": "linear"}
OTHERS = {
    "and item-item": ("als", "lifecycle", "relations", "popularity", "cosine"),
    "and linear (EASE)": ("als", "lifecycle", "relations", "popularity", "linear"),
    "with item-item for ALS": ("lifecycle", "relations", "popularity", "cosine"),
    "with linear (EASE) for ALS": ("lifecycle", "relations", "popularity", "linear"),
    "without ALS": ("lifecycle", "relations", "popularity"),
}
PAGE = 2_000
GROUPS = {
    "holdings' changes": ("times", "since_", "opened_", "closed_", "ever", "undated"),
    "profile and extra columns": ("age", "tenure", "income", "region", "occupation", "branch_code", "own:", "stage"),
    "contacts": ("contacts", "since_contact"),
    "recommenders' scores": ("score:",),
}


def without(features, schema, starts):
    """Return features with a group's columns unknown."""
    customers = features.customers.copy()
    customers[:, [name.startswith(starts) for name in schema.names]] = np.nan
    blank = {name: np.zeros_like(values) if name in ("times", "contacts") else np.full_like(values, np.nan)
             for name, values in features.pairs.items() if name.startswith(starts)}  # fmt: skip
    return Features(customers, {name: blank.get(name, values) for name, values in features.pairs.items()})


def only(features, names):
    """Return features with the scores of some recommenders."""
    others = {f"score:{recommender.name}" for recommender in RECOMMENDERS if recommender.name not in names}
    return replace(features, pairs={name: values for name, values in features.pairs.items() if name not in others})


def stack_of(names, schema, examples, now, period, features):
    """Return the ranker that knows some recommenders' scores, and the features it ranks by."""
    schema = replace(schema, recommenders=names, relearnt=tuple(name for name in schema.relearnt if name in names))
    known = replace(examples, features=only(examples.features, names))
    return fit_ranker(schema, known, now, period), only(features, names)


async def prepared(bank):
    """Return schema, examples, portfolio, period, and the features and openings of those with something hidden."""
    ledger = bank.ledger()
    period = find_period(ledger, bank.as_of)
    past, seen = [], []
    for moment in moments(ledger, period):
        past.append(as_then(moment, RECOMMENDERS))
        seen.append(Seen(moment.portfolio.rows, moment.openings))
    width = len(bank.catalogue)
    drawn = draw_hidden(width, seen) if period.hides else draw(len(bank.customers), width, seen)
    schema = await sample_schema(bank.load, ledger, RECOMMENDERS, bank.as_of, seasonal=period.sees_seasons)
    examples = await read_examples(bank.load, ledger, schema, drawn, past, lambda _: None)
    now = ledger.portfolio(bank.as_of)
    arrays = fit_all(RECOMMENDERS, now)
    known = [r.with_arrays(arrays[r.name], bank.catalogue.codes) if r.name in arrays else r for r in RECOMMENDERS]
    parts, numbers = [], list(bank.truth)
    for start in range(0, len(numbers), PAGE):
        records = await bank.load(numbers[start : start + PAGE])
        batch = Batch.of(records, bank.catalogue, Context(today=bank.as_of))
        parts.append(extract(schema, batch, proposals(known, batch)))
    opened = np.array([[code in bank.truth[number] for code in bank.catalogue.codes] for number in numbers])
    return schema, examples, now, period, Features.joined(parts), opened


def scored(shares, opened, held):
    """MAP@7, HR@1, HR@3 and MRR."""
    opened = opened & ~held
    order = np.argsort(np.where(held, np.inf, -shares), axis=1, kind="stable")
    hits = np.take_along_axis(opened, order, axis=1)[opened.any(axis=1)]
    first = hits.argmax(axis=1)
    return (
        mean_average_precision(shares, opened, held, 7),
        (first < 1).mean(),
        (first < 3).mean(),
        (1 / (first + 1)).mean(),
    )


def rankings(*parts):
    """Yield each way to rank, and its log shares."""
    schema, examples, now, period, features = parts
    for title, name in ALONE.items():
        yield f"{title} alone", np.nan_to_num(features.pairs[f"score:{name}"], nan=-9)
    started = time.perf_counter()
    shipped = tuple(recommender.name for recommender in SHIPPED)
    ranker, known = stack_of(shipped, *parts)
    print(
        f"fitted to {len(examples.features):,} examples in {time.perf_counter() - started:.1f} s, {ranker.card['stack']}"
    )
    members, held = ranker.members(known), features.held
    yield from members.items()
    yield "the stack", stacked(ranker.stack, members, held)
    for title, names in OTHERS.items():
        fitted, known = stack_of(names, *parts)
        yield f"the stack {title}", stacked(fitted.stack, fitted.members(known), held)
    for group, starts in GROUPS.items():
        fewer = replace(examples, features=without(examples.features, schema, starts))
        fitted, known = stack_of(shipped, schema, fewer, now, period, without(features, schema, starts))
        yield f"the stack without {group}", stacked(fitted.stack, fitted.members(known), held)


def main(customers, banks, seed):
    for make in BANKS:
        if make.__name__ in banks:
            bank = make(customers) if seed is None else make(customers, seed=seed)
            *parts, opened = asyncio.run(prepared(bank))
            title = (
                f"{bank.name}: {customers:,} customers × {len(bank.catalogue)} products, {len(opened):,} with openings"
            )
            table = Table("ranked by", "MAP@7", "HR@1", "HR@3", "MRR", title=title)
            for name, shares in rankings(*parts):
                table.add_row(name, *(f"{value:.4f}" for value in scored(shares, opened, parts[-1].held)))
            Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=8_000)
    parser.add_argument("--banks", nargs="*", default=[make.__name__ for make in BANKS])
    parser.add_argument("--seed", type=int)
    main(**vars(parser.parse_args()))
