"""What became of offers on both sides of a plugin's share: shown and taken, in the share and in its holdout."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from graph.store import Store
from graph.words import OutcomeKind

SHARE: Final = "share"
SIDES: Final = """
MATCH (o:Outcome) WHERE (' ' + o.arm) CONTAINS $plugin AND o.customer_no IS NOT NULL
  AND ($since IS NULL OR o.offered_at >= $since)
WITH (' ' + o.arm + ' ') CONTAINS $share AS inside, o.customer_no AS customer_no, o.product_code AS product_code,
  max(CASE WHEN o.kind = $taken THEN 1 ELSE 0 END) AS taken
RETURN inside, count(DISTINCT customer_no) AS customers, count(*) AS shown, sum(taken) AS taken
"""
"""An erased customer's outcomes bear no number: which of them were answers to one offer, nobody knows."""


@dataclass(frozen=True, slots=True)
class Side:
    """What became of the offers on one side, each once for a customer and a product.

    Attributes:
        shown: that had an outcome of any kind.
        taken: of these, that were accepted.
    """

    customers: int = 0
    shown: int = 0
    taken: int = 0

    @property
    def rate(self) -> float:
        """The part of what was shown that was taken."""
        return self.taken / self.shown if self.shown else 0.0


async def sides(store: Store, plugin: str, since: datetime | None = None) -> tuple[Side, Side]:
    """Return a plugin's share and its holdout, of offers made from a moment on; erased customers are on neither."""
    rows = await store.read(
        SIDES, plugin=f" {plugin}:", share=f" {plugin}:{SHARE} ", taken=OutcomeKind.ACCEPT, since=since
    )
    found = {row.pop("inside"): Side(**row) for row in rows}
    return found.get(True, Side()), found.get(False, Side())
