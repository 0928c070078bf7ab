"""What the hook machinery costs: ``python tests/benchmarks/plugin_hooks.py``; all in memory, and made up.

A request is one customer and six products. "Directly" calls the plugins' functions with the customer's view and
keeps their last word of each product; the rest is what a plugin's failures cannot do to others.
"""

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np

from graph.records import Customer, Product
from graph.words import CustomerKind, PluginStage
from plugins.deciding import build_engine
from plugins.host import PluginHost
from plugins.infos import SHIPPED
from plugins.isolation.modes import THREADS, Isolation
from plugins.isolation.together import ask_together
from plugins.life.stages import Life, Lives
from recommenders.asking import one_by_one
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Context

TODAY = date(2026, 6, 30)
CATALOGUE = Catalogue([Product(f"P{number}", f"Product {number}", "deposit") for number in range(6)])
FUNCTION = """
from guanxi import Proposal, recommender

@recommender("plugin-{number}")
def propose(customer, catalogue):
    if customer.age is not None and customer.age < 40 and customer.income and customer.income > 9000:
        yield Proposal("P{product}", 0.5, "of that age")
"""
ARRAYS = """
import numpy as np
from guanxi import Candidates, hookimpl

class Young:
    name, version = "young", "1"

    def propose(self, batch):
        scores = np.full(batch.shape, np.nan, np.float32)
        scores[:, 0] = np.where(batch.ages < 40, 0.5, np.nan)
        return Candidates(scores, lambda row, column: None)

@hookimpl
def recommenders(register):
    register(Young())
"""


def records(count: int) -> list[Customer]:
    """Return made-up customers."""
    chance = np.random.default_rng(1)
    years, incomes = chance.integers(1950, 2006, count).tolist(), chance.normal(9_000, 3_000, count).tolist()
    return [
        Customer(f"C{n}", CustomerKind.PERSON, birth_date=date(year, 5, 1), income=income)
        for n, (year, income) in enumerate(zip(years, incomes, strict=True))
    ]


def host_of(folder: Path, sources: Sequence[str], isolation: Isolation) -> PluginHost:
    """Return a host of plugins alone, none of them shipped."""
    folder.mkdir()
    for number, source in enumerate(sources):
        (folder / f"plugin_{number}.py").write_text(source, encoding="utf-8")
    return PluginHost.load([folder], shipped=(), isolation=isolation)


def functions(count: int) -> list[str]:
    """Return the sources of function plugins."""
    return [FUNCTION.format(number=number, product=number % 6) for number in range(count)]


def directly(host: PluginHost, batch: Batch) -> dict[tuple[int, str], float]:
    """Call the plugins' functions, and nothing else."""
    said = {}
    for recommender in host.recommenders():
        for row, customer in enumerate(batch.customers):
            for proposal in recommender.inner.function(customer, batch.catalogue):  # type: ignore[attr-defined]
                said[row, proposal.product_code] = proposal.score
    return said


def microseconds(call: Callable[[], object], times: int = 1_000) -> float:
    """Return the median of a call's time."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        took.append(1e6 * (time.perf_counter() - begun))
    return statistics.median(took)


def per_request(folder: Path, count: int, isolation: Isolation) -> tuple[float, float]:
    """Return the microseconds of one request through plugins' guards, and directly; in processes, one by one."""
    host = host_of(folder, functions(count), isolation)
    guarded, people, context = host.recommending.guarded(None), records(1), Context(TODAY)
    through = microseconds(lambda: ask_together(guarded, Batch.of(people, CATALOGUE, context)))
    ask = partial(directly, host) if isolation is THREADS else partial(one_by_one, guarded)
    bare = microseconds(lambda: ask(Batch.of(people, CATALOGUE, context)))
    host.close()
    return through, bare


def per_batch(folder: Path, source: str, count: int) -> tuple[float, float]:
    """Return the seconds that a plugin takes for many customers, and a bare loop over the same views of them.

    They take turns. Medians; the first round, which makes the views, is left out. A plugin of arrays has no loop beside
    it, and is asked once, with no array made yet.
    """
    host = host_of(folder, [source], THREADS)
    guarded, batch = host.recommending.guarded(None), Batch.of(records(count), CATALOGUE, Context(TODAY))
    [own] = host.recommenders()
    seen = own.sight.batch(batch)  # type: ignore[attr-defined]
    if source == ARRAYS:
        return microseconds(lambda: ask_together(guarded, batch), 1) / 1e6, math.nan
    calls = [lambda: ask_together(guarded, batch), lambda: directly(host, seen)]
    took = [[microseconds(call, 1) / 1e6 for call in calls] for _ in range(6)]
    through, bare = (statistics.median(column) for column in zip(*took[1:], strict=True))
    return through, bare


def in_share(host: PluginHost, count: int, customers: int) -> float:
    """Return the microseconds of the offers of customers, while so many plugins of a host have half of them each."""
    own = [info.name for info in host.plugins if info.source != SHIPPED]
    lives = Lives(dict.fromkeys(own[:count], Life(PluginStage.SHARE, 50)))
    engine, people = build_engine(CATALOGUE, host, None, lives), records(customers)
    engine.answer(people, Context(TODAY))  # makes an engine for each combination of shares
    return microseconds(lambda: engine.answer(people, Context(TODAY)), 100)


def cold_starts(folders: Sequence[Path], home: Path) -> list[float]:
    """Return the seconds of ``guanxi plugins``, as a process of its own, for each folder in turn; medians."""
    command, own = [sys.executable, "-m", "guanxi", "plugins"], os.environ | {"GUANXI_HOME": str(home)}
    starts = [
        partial(
            subprocess.run, command, env=own | {"GUANXI_PLUGINS": str(folder)}, stdout=subprocess.DEVNULL, check=True
        )
        for folder in folders
    ]
    took = [[microseconds(start, 1) / 1e6 for start in starts] for _ in range(5)]
    return [statistics.median(column) for column in zip(*took, strict=True)]


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in (0, 1, 10, 100):
            through, bare = per_request(folder / f"threads-{count}", count, THREADS)
            print(f"{count:3} plugins: {through:7.0f} us a request through guards, {bare:5.0f} us directly")
        for count in (1, 10):
            apart, in_a_row = per_request(folder / f"processes-{count}", count, Isolation("process"))
            print(f"{count:3} plugins: {apart:7.0f} us a request, each in a process; {in_a_row:5.0f} us one by one")
        host = PluginHost.load([folder / "threads-10"])
        for customers in (1, 200):
            none, *some = [in_share(host, count, customers) for count in (0, 1, 5)]
            told = ", ".join(f"{took / none:.2f} times" for took in some)
            print(f"{customers:3} customers' offers: {none:.0f} us with 10 plugins live; with 1 and 5 in share {told}")
        none, many = cold_starts([folder / "threads-0", folder / "threads-100"], folder / "home")
        print(
            f"guanxi plugins: {none:.2f} s with none but the shipped, {many:.2f} s with 100 more, {many / none:.2f} times"
        )
        through, bare = per_batch(folder / "function", functions(1)[0], 100_000)
        print(
            f"100,000 customers: function plugin {through:.2f} s, bare loop {bare:.2f} s, {bare / through:.2f} of its speed"
        )
        through, _ = per_batch(folder / "arrays", ARRAYS, 100_000)
        print(f"100,000 customers: array plugin {through:.2f} s")


if __name__ == "__main__":
    main()
