"""Which product a customer opens next, given that he opens one: a multinomial logit over what he does not hold.

McFadden's conditional logit (1974) with the choice set restricted to products not held: a weight for each pair of
customer trait and product, and weights shared by all products for what is known of the pair. Traits are indicators:
numbers cut at quantiles (unknown is a bin of its own), categories one by one. Fitted by L-BFGS with a ridge penalty;
what relatives hold and recommenders' scores have shared weights alone, none below 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from recommenders.contract import Arrays, Mask
from recommenders.features import Features, FeatureSchema

Shares: TypeAlias = NDArray[np.float32]

QUANTILES: Final = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.95)
FEW_VALUES: Final = 12
"""A number with so few values, such as the month, has a bin for each."""
MOST_INDICATORS: Final = 250
"""Values of one category that have a weight of their own."""
LEAST_SEEN: Final = 20
RIDGE: Final = 5.0
ITERATIONS: Final = 60
FLOOR: Final = -30.0
KIN_TRAITS: Final = 2
"""Shared traits of what relatives hold. They come before the scores, last of all; neither lowers a chance."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A fitted logit.

    Attributes:
        edges: ``(p, 11)`` upper ends of each number's bins but the last, then nan.
        kept: ``(t,)`` which indicators have weights.
        weights: ``(t + 1, m)``, the last row the products' own.
        shared: ``(s,)`` weights of ``shared_traits``, divided by ``scales``.
    """

    edges: NDArray[np.float32]
    kept: NDArray[np.int32]
    weights: NDArray[np.float32]
    shared: NDArray[np.float32]
    scales: NDArray[np.float32]

    def log_shares(self, schema: FeatureSchema, features: Features) -> Shares:
        """``(n, m)``: logarithm of each product's chance among those not held; very low where held."""
        traits = indicators(schema, features, self.edges)[:, self.kept]
        pairs = shared_traits(schema, features) / self.scales
        utilities = traits @ self.weights[:-1] + self.weights[-1] + pairs @ self.shared
        return log_softmax(utilities, features.held)

    def as_arrays(self) -> Arrays:
        """Return what ``from_arrays`` takes."""
        return {name: getattr(self, name) for name in ("edges", "kept", "weights", "shared", "scales")}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "Choice":
        """Return the logit that ``as_arrays`` told of."""
        return cls(**{name: np.asarray(array) for name, array in arrays.items()})  # type: ignore[arg-type]


def fit_choice(schema: FeatureSchema, features: Features, opened: Mask) -> Choice:
    """Fit to ``(n, m)`` openings; rows without any say nothing."""
    from scipy.optimize import Bounds, minimize  # its libraries take long to import

    edges = learn_edges(schema, features)
    every = indicators(schema, features, edges)
    seen = every.getnnz(axis=0)
    kept = np.flatnonzero((seen >= LEAST_SEEN) & (seen <= len(features) - LEAST_SEEN)).astype(np.int32)
    traits = every[:, kept]
    pairs = shared_traits(schema, features)
    scales = np.maximum(pairs.std(axis=(0, 1)), np.float32(1e-6)).astype(np.float32)
    pairs = pairs / scales
    held, chosen = features.held, opened.astype(np.float32)
    width, count = len(schema.product_codes), chosen.sum(axis=1, keepdims=True)
    shape = len(kept) + 1, width

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat[: shape[0] * width].reshape(shape).astype(np.float32)
        shared = flat[shape[0] * width :].astype(np.float32)
        logs = log_softmax(traits @ weights[:-1] + weights[-1] + pairs @ shared, held)
        error = np.exp(logs) * count - chosen
        down = np.concatenate([traits.T @ error + RIDGE * weights[:-1], error.sum(axis=0)[None] + weights[-1:]])
        down_shared = np.einsum("nms,nm->s", pairs, error) + shared
        value = -(chosen * logs).sum() + 0.5 * (
            RIDGE * (weights[:-1] ** 2).sum() + (weights[-1] ** 2).sum() + (shared**2).sum()
        )
        return float(value), np.concatenate([down.ravel(), down_shared]).astype(np.float64)

    start = np.zeros(shape[0] * width + pairs.shape[2])
    least = np.full(len(start), -np.inf)
    least[-(KIN_TRAITS + len(schema.recommenders)) :] = 0
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=Bounds(least), options={"maxiter": ITERATIONS}
    ).x.astype(np.float32)
    return Choice(edges, kept, found[: shape[0] * width].reshape(shape), found[shape[0] * width :], scales)


def log_softmax(utilities: NDArray[np.float32], held: Mask) -> Shares:
    """Return log chances among what is not held."""
    masked = np.where(held, np.float32(FLOOR), utilities)
    masked -= masked.max(axis=1, keepdims=True)
    return np.asarray(masked - np.log(np.exp(masked).sum(axis=1, keepdims=True)), np.float32)


def indicators(schema: FeatureSchema, features: Features, edges: NDArray[np.float32]) -> csr_matrix:
    """``(n, t)``: every trait as 0 or 1."""
    numbers, bins = len(schema.number_names), edges.shape[1] + 2
    places, widths = list[NDArray[np.float32]](), [bins] * numbers
    for column in range(numbers):
        known = edges[column][~np.isnan(edges[column])]
        values = features.customers[:, column]
        places.append(np.where(np.isnan(values), bins - 1, np.searchsorted(known, values)))
    for column, words in enumerate(schema.words.values(), numbers):
        values, most = features.customers[:, column], min(MOST_INDICATORS, len(words))
        places.append(np.where(np.isnan(values), most, np.fmin(values, most)))
        widths.append(most + 1)
    of_pairs = np.concatenate(_pair_indicators(features.pairs), axis=1)
    return csr_matrix(hstack([_one_hot(places, widths), csr_matrix(of_pairs)], format="csr", dtype=np.float32))


def shared_traits(schema: FeatureSchema, features: Features) -> NDArray[np.float32]:
    """``(n, m, s)``: what is known of the pair, in numbers that one weight fits for all products."""
    pairs = features.pairs
    found = [*_pair_indicators(pairs), np.log1p(pairs["contacts"]), np.log1p(pairs["times"])]
    rising = [pairs["kin"] > 0, np.log1p(pairs["kin"])]
    scores = [np.nan_to_num(pairs[f"score:{name}"]) for name in schema.recommenders]
    return np.stack([*found, *rising, *scores], axis=2).astype(np.float32)


def _pair_indicators(pairs: Mapping[str, NDArray[np.float32]]) -> Sequence[Mask]:
    return (
        pairs["holds"] > 0,
        (pairs["times"] > 0) & (pairs["holds"] == 0),
        pairs["since_closed"] < 1.05,
        pairs["since_closed"] < 3.05,
        pairs["since_opened"] < 1.05,
        pairs["contacts"] > 0,
        pairs["since_contact"] < 1.05,
    )


def learn_edges(schema: FeatureSchema, features: Features) -> NDArray[np.float32]:
    """``(p, 11)``: upper ends of each number's bins but the last, then nan."""
    edges = np.full((len(schema.number_names), FEW_VALUES - 1), np.nan, np.float32)
    for column in range(len(edges)):
        values = features.customers[:, column]
        known = values[~np.isnan(values)]
        if len(known):
            values = np.unique(known)
            found = values if len(values) <= FEW_VALUES else np.unique(np.quantile(known, QUANTILES))
            found = found[found < values[-1]]
            edges[column, : len(found)] = found
    return edges


def _one_hot(places: Sequence[NDArray[np.float32]], widths: Sequence[int]) -> csr_matrix:
    """``(n, sum of widths)``: a 1 in each block of columns, at its place; made in one go, as a request is one row."""
    starts = np.cumsum([0, *widths])
    columns = (np.stack(places, axis=1) + starts[:-1]).astype(np.int32)
    rows, blocks = columns.shape
    ones, ends = np.ones(columns.size, np.float32), np.arange(0, columns.size + 1, blocks)
    return csr_matrix((ones, columns.ravel(), ends), shape=(rows, int(starts[-1])))
