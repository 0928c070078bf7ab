"""The whole of training on an emulated bank, reading apart: its time and memory, beside bare LightGBM.

Bare: the pair model alone, fitted to the finished table for as many rounds. The table shows what all else costs:
portfolios of the past, features, the logit, the counts, churn, demand and segments. With ``--told`` there is a plugin
that is told of segments and scores, which are then learnt of each moment of the past, too.

    python tests/benchmarks/learning.py [--customers 50000] [--products 25] [--months 12] [--told]
"""

import argparse
import asyncio
import resource
import time

import lightgbm
import numpy as np
from emulated_banks import retail
from rich.console import Console
from rich.table import Table

from recommenders import learning
from recommenders.als import Als
from recommenders.batch import Batch
from recommenders.boosting import PAIR_PARAMETERS, pair_table
from recommenders.cohorts import Cohorts
from recommenders.contract import Candidates
from recommenders.popularity import Popularity
from recommenders.rules import LifecycleRules
from recommenders.training import learn

RECOMMENDERS = (Als(), LifecycleRules(), Cohorts(), Popularity())
NEGATIVES = 6


def kept_examples():
    """Let fit_ranker keep what it is given; return where it is kept."""
    kept, fit = [], learning.fit_pairs

    def keeping(schema, features, opened, *rest):
        kept[:] = [schema, features, opened]
        return fit(schema, features, opened, *rest)

    learning.fit_pairs = keeping
    return kept


def bare(schema, features, opened, rounds):
    """Fit LightGBM to the finished table of as many pairs."""
    dice = np.random.default_rng(0)
    drawn = (features.pairs["holds"] == 0) & (opened | (dice.random(opened.shape) < NEGATIVES / opened.shape[1]))
    rows, columns = np.nonzero(drawn)
    table = pair_table(schema, features, rows, columns)
    started = time.perf_counter()
    lightgbm.train(PAIR_PARAMETERS, lightgbm.Dataset(table, opened[rows, columns].astype(np.float32)), rounds)
    return time.perf_counter() - started, table.shape


class Told:
    """Proposes the first product to whom may leave."""

    name, version, is_told = "told", "1", True

    def propose(self, batch):
        scores = np.full(batch.shape, np.nan, np.float32)
        scores[:, 0] = Batch(batch.told, batch.catalogue, batch.context).churn
        return Candidates(scores, lambda *_: None)


def main(customers, products, months, told):
    bank = retail(customers, products, months + 1)
    ledger, kept = bank.ledger(), kept_examples()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.perf_counter()
    trained = asyncio.run(learn(ledger, bank.load, (*RECOMMENDERS, *[Told()] * told), bank.as_of))
    whole = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    alone, shape = bare(*kept, trained.model.ranker.card["rounds"]["pairs"])
    table = Table("part", "seconds", "× bare LightGBM", title=f"{customers:,} customers × {products} products × {months} months")  # fmt: skip
    for part, seconds in {**trained.seconds, "all of it": whole, "bare LightGBM": alone}.items():
        table.add_row(part, f"{seconds:.1f}", f"{seconds / alone:.2f}")
    Console().print(table)
    print(
        f"{shape[0]:,} pairs × {shape[1]} features. Memory at its peak {peak:,.0f} MB, of which the bank is {before:,.0f} MB."
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--products", type=int, default=25)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--told", action="store_true")
    main(**vars(parser.parse_args()))
