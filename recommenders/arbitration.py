"""Priority = propensity × context weight × value × lever: every factor visible, every tie broken the same way.

Value is the product's margin; a product without a price takes the median margin of its category, else of the
catalogue, else 1. Levers, 1 by default, are the business's own factors by product code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recommenders.catalogue import Catalogue

CONTEXT_WEIGHTS: Final[Mapping[str, Mapping[str, float]]] = {
    "mobile": {"service": 1.2, "payment": 1.2, "mortgage": 0.8},
    "branch": {"mortgage": 1.2, "wealth": 1.2, "insurance": 1.1},
}
"""By channel and category; 1 where nothing is said."""


@dataclass(frozen=True, slots=True)
class Arbitration:
    """The factors beside propensity, as arrays over the catalogue's columns."""

    catalogue: Catalogue
    levers: Mapping[str, float] = field(default_factory=dict)

    def values(self) -> NDArray[np.float64]:
        """``(m,)``: yearly value of each product."""
        margins = np.array([np.nan if p.margin is None else p.margin for p in self.catalogue], np.float64)
        overall = _median(margins, 1.0)
        categories = np.array(self.catalogue.categories)
        typical = {category: _median(margins[categories == category], overall) for category in set(categories)}
        return np.where(np.isnan(margins), [typical[category] for category in self.catalogue.categories], margins)

    def weights(self, channel: str | None) -> NDArray[np.float64]:
        """``(m,)``: context weight of each product on a channel."""
        by_category = CONTEXT_WEIGHTS.get(channel or "", {})
        return np.array([by_category.get(category, 1.0) for category in self.catalogue.categories], np.float64)

    def lever_factors(self) -> NDArray[np.float64]:
        """``(m,)``: the business's factor of each product."""
        return np.array([self.levers.get(code, 1.0) for code in self.catalogue.codes], np.float64)


def _median(margins: NDArray[np.float64], otherwise: float) -> float:
    known = margins[~np.isnan(margins)]
    return float(np.median(known)) if len(known) else otherwise
