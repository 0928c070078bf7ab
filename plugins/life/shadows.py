"""What plugins in shadow, or with a share of the customers, propose: counted in memory, until somebody stores it.

Nobody waits for it: rankings are looked at in a thread of its own, when their customers have been answered.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np

from graph.plugin_days import Count, Sighting
from plugins.claims import passed_with
from recommenders.contract import Omitted, Recommender
from recommenders.engine import Engine, Ranking
from recommenders.shadowing import Wish, heard, wish

logger = logging.getLogger("guanxi.plugins")

MOST_WAITING: Final = 100
"""Rankings that wait to be looked at; of more, nothing is counted but that they were passed over."""
MOST_SIGHTINGS: Final = 20_000
"""Pairs of customers and products that wait to be stored; of more, only the counts are kept."""


@dataclass(slots=True)
class Seen:
    """What was seen since it was last stored.

    Attributes:
        counts: by plugin, day and product; None stands for all products.
        sightings: what a plugin in shadow would have had among the best offers, by plugin, customer and product.
    """

    counts: dict[tuple[str, date, str | None], Count] = field(default_factory=dict)
    sightings: dict[tuple[str, str, str], Sighting] = field(default_factory=dict)

    def part(self, most: int) -> "Seen":
        """Take out all counts, and some of the pairs."""
        counts, self.counts = self.counts, {}
        pairs = list(self.sightings)[:most]
        return Seen(counts, {pair: self.sightings.pop(pair) for pair in pairs})

    def add(self, other: "Seen") -> None:
        """Add what was seen elsewhere."""
        for key, count in other.counts.items():
            self.counts[key] = self.counts.get(key, Count()) + count
        for pair, sighting in other.sightings.items():
            if len(self.sightings) < MOST_SIGHTINGS:
                self.sightings.setdefault(pair, sighting)


class Shadows:
    """Looks at rankings, and keeps the counts of one process."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "shadows")
        self._waiting = threading.Semaphore(MOST_WAITING)
        self._lock = threading.Lock()
        self._seen = Seen()

    def watch(
        self, engine: Engine, ranking: Ranking, shadows: dict[str, Sequence[Recommender]],
        shares: dict[str, Sequence[str]],
    ) -> None:  # fmt: skip
        """Have it looked at what plugins in shadow would have done, and what those in whose share all of it is did."""
        if not shadows and not shares:
            return
        if not self._waiting.acquire(blocking=False):
            self.put_back(Seen({
                (name, ranking.batch.context.today, None): Count(passed_over=len(ranking.batch.customers))
                for name in [*shadows, *shares]
            }))  # fmt: skip
            return
        self._thread.submit(self._look, engine, ranking, shadows, shares)

    def take(self) -> Seen:
        """Return what was seen, and begin anew."""
        with self._lock:
            seen, self._seen = self._seen, Seen()
        return seen

    def put_back(self, seen: Seen) -> None:
        """Keep what could not be stored."""
        with self._lock:
            self._seen.add(seen)

    def close(self) -> None:
        """Look at nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def settle(self) -> None:
        """Wait until all that waits was looked at."""
        self._thread.submit(lambda: None).result()

    def _look(
        self, engine: Engine, ranking: Ranking, shadows: dict[str, Sequence[Recommender]],
        shares: dict[str, Sequence[str]],
    ) -> None:  # fmt: skip
        try:
            for plugin, recommenders in shadows.items():
                self.put_back(_shadowed(engine, ranking, plugin, recommenders))
            for plugin, names in shares.items():
                wishes = [heard(ranking, name) for name in names if name in ranking.strengths]
                self.put_back(_counted(ranking, plugin, wishes, Count(failures=len(names) - len(wishes))))
        except Exception:
            logger.exception("what plugins in shadow would have done was not counted")
        finally:
            self._waiting.release()


def _shadowed(engine: Engine, ranking: Ranking, plugin: str, recommenders: Sequence[Recommender]) -> Seen:
    wishes, failures, started = list[Wish](), 0, time.perf_counter()
    passed = passed_with(engine, ranking, plugin)
    for recommender in recommenders:
        try:
            wishes.append(wish(engine, ranking, recommender, passed))
        except Omitted:
            failures += 1
    spent = Count(failures=failures, seconds=time.perf_counter() - started)
    seen = _counted(ranking, plugin, wishes, spent)
    today, codes = ranking.batch.context.today, engine.catalogue.codes
    for found in wishes:
        for row, column in np.argwhere(found.best).tolist():
            number, code = ranking.batch.customers[row].customer_no, codes[column]
            seen.sightings[plugin, number, code] = Sighting(plugin, number, code, today)
    return seen


def _counted(ranking: Ranking, plugin: str, wishes: Sequence[Wish], spent: Count) -> Seen:
    today, codes = ranking.batch.context.today, ranking.batch.catalogue.codes
    asked = len(ranking.batch.customers)
    proposed, best = Counter[str](), Counter[str]()
    rows, best_rows = set[int](), set[int]()
    for found in wishes:
        proposed.update(codes[column] for column in np.nonzero(found.proposed)[1])
        best.update(codes[column] for column in np.nonzero(found.best)[1])
        rows.update(np.flatnonzero(found.proposed.any(axis=1)).tolist())
        best_rows.update(np.flatnonzero(found.best.any(axis=1)).tolist())
    whole = spent + Count(asked=asked, proposed=len(rows), best=len(best_rows))
    counts: dict[tuple[str, date, str | None], Count] = {(plugin, today, None): whole}
    counts |= {(plugin, today, code): Count(asked, count, best[code]) for code, count in proposed.items()}
    return Seen(counts)
