"""What plugins proposed, counted by day and product, and to whom a plugin in shadow would have offered what."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any, Final

from graph.store import Store

ADD: Final = """
UNWIND $rows AS row
MERGE (d:PluginDay {day_key: row.day_key})
SET d.plugin = row.plugin, d.on = row.on, d.product_code = row.product_code,
  d.asked = coalesce(d.asked, 0) + row.asked, d.proposed = coalesce(d.proposed, 0) + row.proposed,
  d.best = coalesce(d.best, 0) + row.best, d.failures = coalesce(d.failures, 0) + row.failures,
  d.passed_over = coalesce(d.passed_over, 0) + row.passed_over, d.seconds = coalesce(d.seconds, 0.0) + row.seconds
"""
SIGHT: Final = """
UNWIND $rows AS row
MATCH (c:Customer {customer_no: row.customer_no}), (p:Product {product_code: row.product_code})
MERGE (c)-[s:SHADOWED {shadow_key: row.shadow_key}]->(p)
ON CREATE SET s.plugin = row.plugin, s.product_code = row.product_code, s.on = row.on
"""
COUNTED: Final = """
MATCH (d:PluginDay {plugin: $plugin}) WHERE $since IS NULL OR d.on >= $since
RETURN d.product_code AS product_code, sum(d.asked) AS asked, sum(d.proposed) AS proposed, sum(d.best) AS best,
  sum(d.failures) AS failures, sum(d.passed_over) AS passed_over, sum(d.seconds) AS seconds
ORDER BY product_code
"""
FORESEEN: Final = """
MATCH (c:Customer)-[s:SHADOWED]->(p:Product) WHERE s.plugin = $plugin
RETURN count(DISTINCT c) AS customers,
  count(DISTINCT CASE WHEN EXISTS { MATCH (c)-[h:HOLDS]->(p) WHERE h.opened_on >= s.on } THEN c ELSE null END) AS takers
"""


@dataclass(frozen=True, slots=True)
class Count:
    """How often a plugin was asked of a customer, proposed something to him, and had it among the best offers.

    Attributes:
        failures: calls that failed.
        passed_over: customers of whom it was not asked, as too many waited.
        seconds: of the calls in shadow, by the clock.
    """

    asked: int = 0
    proposed: int = 0
    best: int = 0
    failures: int = 0
    passed_over: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Count") -> "Count":
        return Count(*(getattr(self, own.name) + getattr(other, own.name) for own in fields(Count)))


@dataclass(frozen=True, slots=True)
class Sighting:
    """On a day, a plugin in shadow would have had a product among a customer's best offers."""

    plugin: str
    customer_no: str
    product_code: str
    on: date


@dataclass(frozen=True, slots=True)
class Foreseen:
    """To how many customers a plugin in shadow would have offered something, and how many of them opened it since."""

    customers: int
    takers: int


async def add(
    store: Store, counts: Mapping[tuple[str, date, str | None], Count], sightings: Sequence[Sighting]
) -> None:
    """Add counts by plugin, day and product, and keep the first sighting of each plugin, customer and product."""
    days = [
        {"day_key": f"{plugin}|{on}|{code or ''}", "plugin": plugin, "on": on, "product_code": code, **asdict(count)}
        for (plugin, on, code), count in counts.items()
    ]
    pairs: list[dict[str, Any]] = [
        {"shadow_key": f"{own.plugin}|{own.customer_no}|{own.product_code}", **asdict(own)} for own in sightings
    ]
    await store.write_all([(ADD, {"rows": days}), (SIGHT, {"rows": pairs})])


async def counted(store: Store, plugin: str, since: date | None = None) -> dict[str | None, Count]:
    """Return a plugin's counts since a day by product; None is for all of it."""
    rows = await store.read(COUNTED, plugin=plugin, since=since)
    return {row.pop("product_code"): Count(**row) for row in rows}


async def foreseen(store: Store, plugin: str) -> Foreseen:
    """Return what became of those to whom a plugin in shadow would have offered something."""
    return Foreseen(**(await store.read(FORESEEN, plugin=plugin))[0])
