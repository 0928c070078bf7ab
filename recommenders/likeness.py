"""How alike two customers are: half by profile, half by what they hold, from the features the ranker knows.

Profile: Gower's general coefficient (1971), the mean over what is known of both of ``1 − |a − b| / range`` for numbers
(ranges among those compared) and of equality for categories. Holdings: the weight of products both hold over that of
products either holds (Jaccard, what neither holds says nothing), a product weighing ``ln(1 + n / holders)`` among the
``n`` compared. Where neither holds anything, the profile alone. Protected columns are no features, and have no say.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graph.records import Customer
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Context
from recommenders.features import PROFILE_NUMBERS, Features, FeatureSchema, extract, learn_schema


@dataclass(frozen=True, slots=True)
class Alike:
    """A customer like another; ``likeness`` is 0 to 1, ``shared`` the codes of products both hold."""

    customer: Customer
    likeness: float
    shared: tuple[str, ...]


def most_alike(
    customer: Customer,
    others: Sequence[Customer],
    catalogue: Catalogue,
    context: Context,
    schema: FeatureSchema | None = None,
) -> list[Alike]:
    """Return the others, the most alike first; without a trained ranker's schema the features are found in them."""
    batch = Batch.of([customer, *others], catalogue, context)
    schema = schema or learn_schema(batch.customers, catalogue.codes, ())
    features = extract(schema, batch, {})
    found = likeness(schema, features)
    own = batch.held[0]
    order = sorted(range(len(others)), key=lambda place: (-found[place], others[place].customer_no))
    return [
        Alike(others[place], float(found[place]), tuple(np.array(catalogue.codes)[own & batch.held[place + 1]]))
        for place in order
    ]


def likeness(schema: FeatureSchema, features: Features) -> NDArray[np.float64]:
    """``(n − 1,)``: how alike each further customer is to the first, 0 to 1."""
    numbers = [
        place
        for place, name in enumerate(schema.number_names)
        if name in PROFILE_NUMBERS or name.startswith("own:")
    ]  # fmt: skip
    words = [len(schema.number_names) + place for place in range(len(schema.words))]
    values = features.customers[:, numbers].astype(np.float64)
    spread = np.nan_to_num(np.nanmax(values, axis=0, initial=-np.inf) - np.nanmin(values, axis=0, initial=np.inf))
    close = 1 - np.abs(values[1:] - values[0]) / np.where(spread > 0, spread, 1)
    named = features.customers[:, words]
    same = np.where(np.isnan(named[1:]) | np.isnan(named[0]), np.nan, named[1:] == named[0])
    profile = _mean(np.concatenate([close, same], axis=1))
    held = features.held
    weights = np.log1p(len(held) / np.maximum(1, held.sum(axis=0)))
    both, either = (held[1:] & held[0]) @ weights, (held[1:] | held[0]) @ weights
    holdings = np.where(either > 0, both / np.where(either > 0, either, 1), profile)
    return np.asarray((profile + holdings) / 2)


def _mean(known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of what is known in each row; 0 where nothing is."""
    counts = (~np.isnan(known)).sum(axis=1)
    return np.asarray(np.nansum(known, axis=1) / np.maximum(1, counts))
