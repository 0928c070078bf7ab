"""Training: ``Als().fit`` beside bare ``implicit`` on the same matrix, and reading the graph apart.

The matrix is the sample bank's, its customers repeated up to the number asked for. ``implicit`` is asked as it comes
(all cores, whatever BLAS does) and with BLAS kept to one thread, as its manual advises. All are asked in turn.

    python tests/benchmarks/train.py [--customers 100000] [--read 2000] [--rounds 5]
"""

import argparse
import asyncio
import dataclasses
import statistics
import tempfile
import time
import warnings
from datetime import date
from pathlib import Path

import scipy.sparse
from implicit.cpu.als import AlternatingLeastSquares
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from graph import embedded, portfolio, products
from graph.migrations import migrate
from graph.store import Store
from loaders.bank_directory import BankDirectory
from loaders.importing import load_bank
from loaders.sample import UNTIL
from plugins.samples import write_sample
from recommenders.als import ALPHA, ITERATIONS, REGULARIZATION, SEED, Als, width_for
from recommenders.catalogue import Catalogue
from recommenders.portfolio import Ledger


async def read_sample(customers):
    """Load a sample bank, then read it as training does; return the portfolio and the seconds of the reading."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        write_sample(folder / "bank", customers, 1)
        with embedded.join(folder / "home") as lease:
            async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
                await migrate(store)
                await load_bank(store, BankDirectory(folder / "bank"), folder / "rejects.csv")
                catalogue = Catalogue(await products.catalogue(store))
                return [await reading(store, catalogue, UNTIL) for _ in range(3)]


async def reading(store, catalogue, today: date):
    started = time.perf_counter()
    ledger = Ledger(catalogue)
    async for page in portfolio.pages(store):
        for row in page:
            ledger.add(row)
    return ledger.portfolio(today), time.perf_counter() - started


def repeated(small, customers):
    times = -(-customers // small.customers)
    return dataclasses.replace(small, held=scipy.sparse.vstack([small.held] * times, format="csr")[:customers])


def bare(held, threads):
    model = AlternatingLeastSquares(
        factors=width_for(held.shape[1]), regularization=REGULARIZATION, alpha=ALPHA, iterations=ITERATIONS, random_state=SEED,
        num_threads=threads,
    )  # fmt: skip
    model.fit(held, show_progress=False)


def bare_with_one_blas_thread(held, threads):
    with threadpool_limits(1, "blas"):
        bare(held, threads)


def timed(function, *arguments):
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def main(customers, read, rounds):
    warnings.filterwarnings("ignore", message=".*BLAS.*")
    read_in_turn = asyncio.run(read_sample(read))
    whole = repeated(read_in_turn[0][0], customers)
    ways = {
        "Als().fit": lambda: Als().fit(whole),
        "implicit, one thread, BLAS one": lambda: bare_with_one_blas_thread(whole.held, 1),
        "implicit, all cores, BLAS one": lambda: bare_with_one_blas_thread(whole.held, 0),
        "implicit as it comes": lambda: bare(whole.held, 0),
    }
    taken = {name: [] for name in ways}
    for number in range(rounds + 1):  # the first round is not counted
        for name, way in ways.items():
            seconds = timed(way)
            if number:
                taken[name].append(seconds)
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    table = Table("median of rounds", "seconds", "Als().fit takes × as long",
                  title=f"{whole.customers:,} customers × {len(whole.catalogue)} products, {whole.holdings:,} holdings")  # fmt: skip
    for name, seconds in medians.items():
        table.add_row(name, f"{seconds:.3f}", f"{medians['Als().fit'] / seconds:.2f}")
    Console().print(table)
    seconds = statistics.median(seconds for _, seconds in read_in_turn)
    print(f"Reading the graph for training, embedded store: {read / seconds:,.0f} customers a second.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--read", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    main(**vars(parser.parse_args()))
