"""The ten best products of many customers: the engine beside a bare matrix product with argpartition.

Bare: ready-made customers' factors times products' factors, what is held struck out, ten best by argpartition, sorted.
Beside it, with the same products' factors:

arrays   ``Als.propose`` on what is held (it solves the factors of each set of holdings first), and the ten best as
         ``Ranking.top`` finds them
engine   ``Engine.rank`` with every shipped recommender and gate on customers as records, a page at a time as
         ``guanxi recommend --all`` asks, and ``Ranking.top``; reading the store and telling reasons not included

What is held is that of a sample bank of so many customers, every one generated. The records of ``engine`` are those
of a smaller bank, repeated: no page of them has a customer twice.

    python tests/benchmarks/batch.py [--customers 100000] [--records 2000] [--rounds 3]
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from graph import customers as customers_of
from graph import embedded, products
from graph.migrations import migrate
from graph.store import Store
from loaders.bank_directory import BankDirectory
from loaders.importing import load_bank
from loaders.sample import UNTIL
from plugins.deciding import build_engine
from plugins.host import PluginHost
from plugins.samples import write_sample
from recommenders.als import Als, distinct, fold_in
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Context
from recommenders.engine import Ranking
from recommenders.passes import Passes
from recommenders.training import train

TOP = 10
PAGE = 1_000
CONTEXT = Context(today=UNTIL, top=TOP)


async def sample(customers):
    """Load, train on and read a sample bank; return its records, catalogue, plugin host and model."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        write_sample(folder / "bank", customers, 1)
        with embedded.join(folder / "home") as lease:
            async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
                await migrate(store)
                await load_bank(store, BankDirectory(folder / "bank"), folder / "rejects.csv")
                catalogue, host = Catalogue(await products.catalogue(store)), PluginHost.load()
                trained = await train(store, catalogue, host.recommenders(), UNTIL)
                records = []
                async for page in customers_of.pages(store, PAGE):
                    records += await customers_of.load(store, page)
    return records, catalogue, host, trained.model


def held_in_sample(customers, catalogue):
    """``(n, m)``: what each customer of a sample bank holds at its end, read from its files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "bank"
        write_sample(folder, customers, 1)
        rows = pl.read_csv(folder / "customers.csv").select("customer_no").with_row_index("row")
        holdings = pl.read_csv(folder / "holdings.csv").filter(pl.col("closed_on").is_null())
    holdings = holdings.join(rows, on="customer_no")
    held = np.zeros((customers, len(catalogue)), np.bool_)
    held[holdings["row"], [catalogue.index[code] for code in holdings["product_code"]]] = True
    return held


def with_held(held, catalogue):
    """Make a batch that knows what is held, and needs no customers for it."""
    batch = Batch((), catalogue, CONTEXT)
    batch.held = held
    return batch


def best_barely(users, factors, held):
    scores = users @ factors.T
    scores[held] = -np.inf
    best = np.argpartition(-scores, TOP, axis=1)[:, :TOP]
    rows = np.arange(len(scores))[:, None]
    return best[rows, np.argsort(-scores[rows, best], axis=1)]


def best_by_arrays(als, held, catalogue):
    batch = with_held(held, catalogue)
    scores = als.propose(batch).scores
    priorities = np.where(held | np.isnan(scores), -np.inf, scores)
    every = np.ones(len(catalogue))
    ranking = Ranking(
        Passes((), batch, batch, (), ()),
        proposed={},
        general_scores={},
        strengths={},
        propensities=scores,
        ranked=~np.isnan(scores),
        weights=every,
        refused=(held,),
        passed=~held,
        priorities=priorities,
        omitted=(),
    )
    return ranking.top(TOP)


def best_by_engine(engine, records):
    for start in range(0, len(records), PAGE):
        engine.rank(records[start : start + PAGE], CONTEXT).top(TOP)


def main(customers, records, rounds):
    some, catalogue, host, model = asyncio.run(sample(records))
    engine = build_engine(catalogue, host, model)
    records = (some * -(-customers // len(some)))[:customers]
    held = held_in_sample(customers, catalogue)
    sets = len(distinct(held)[0])
    als = Als().with_arrays(model.arrays["als"], model.product_codes)
    users = np.concatenate([fold_in(part.astype(np.float32), als.factors) for part in np.array_split(held, 20)])
    ways = {
        "bare": lambda: best_barely(users, als.factors, held),
        "arrays": lambda: best_by_arrays(als, held, catalogue),
        "engine": lambda: best_by_engine(engine, records),
    }
    taken = {name: [] for name in ways}
    for number in range(rounds + 1):  # the first round is not counted
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if number:
                taken[name].append(time.perf_counter() - started)
    table = Table("median of rounds", "seconds", "customers a second", "ratio to bare",
                  title=f"{customers:,} customers × {len(catalogue)} products, {sets:,} sets of holdings, ten best")  # fmt: skip
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    for name, seconds in medians.items():
        table.add_row(name, f"{seconds:.3f}", f"{customers / seconds:,.0f}", f"{medians['bare'] / seconds:.3f}")
    Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--records", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    main(**vars(parser.parse_args()))
