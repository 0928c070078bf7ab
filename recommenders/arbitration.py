"""Priority = propensity × context weight × value × lever: every factor visible, every tie broken the same way.

Value is the product's margin; a product without a price takes the median margin of its category, else of the
catalogue, else 1. Levers, 1 by default, are the business's own factors by product code; several multiply.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recommenders.catalogue import Catalogue
from recommenders.contract import Lever

CONTEXT_WEIGHTS: Final[Mapping[str, Mapping[str, float]]] = {
    "mobile": {"service": 1.2, "payment": 1.2, "mortgage": 0.8},
    "branch": {"mortgage": 1.2, "wealth": 1.2, "insurance": 1.1},
}
"""By channel and category; 1 where nothing is said."""


@dataclass(frozen=True, slots=True)
class Arbitration:
    """The factors beside propensity, as arrays over the catalogue's columns."""

    catalogue: Catalogue
    levers: Sequence[Lever] = ()

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
        """``(m,)``: the business's factor of each product, by all levers."""
        factors = [math.prod(lever.factors.get(code, 1.0) for lever in self.levers) for code in self.catalogue.codes]
        return np.array(factors, np.float64)

    def pulled(self, product_code: str) -> str:
        """Name the levers that weigh a product, each with its factor; empty where none does."""
        factors = [(lever.name, lever.factors.get(product_code, 1.0)) for lever in self.levers]
        return ", ".join(f"{name} × {factor:g}" for name, factor in factors if factor != 1)


def _median(margins: NDArray[np.float64], otherwise: float) -> float:
    known = margins[~np.isnan(margins)]
    return float(np.median(known)) if len(known) else otherwise
