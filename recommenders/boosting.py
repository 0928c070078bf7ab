"""Gradient boosting over (customer, product) pairs, and over customers: LightGBM (Ke et al. 2017), seeded.

One model for all products: a rare product borrows from the others, and memory grows with the pairs drawn, not with
customers × products × months. Of what each customer did not open, ``NEGATIVES`` are drawn, each weighing for others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from recommenders.contract import Mask
from recommenders.features import PAIRS, Features, FeatureSchema

if TYPE_CHECKING:
    import lightgbm as lgb

NEGATIVES: Final = 6
MOST_ROUNDS: Final = 400
PATIENCE: Final = 25
SEED: Final = 7
COMMON: Final[dict[str, Any]] = {
    "learning_rate": 0.06,
    "lambda_l2": 5.0,
    "cat_smooth": 20.0,
    "feature_fraction": 0.6,
    "max_bin": 127,
    "seed": SEED,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
PAIR_PARAMETERS: Final = COMMON | {"objective": "binary", "num_leaves": 63, "min_data_in_leaf": 50}
COUNT_PARAMETERS: Final = COMMON | {
    "objective": "poisson",
    "num_leaves": 15,
    "learning_rate": 0.1,
    "min_data_in_leaf": 100,
}
EVENT_PARAMETERS: Final = COMMON | {"objective": "binary", "num_leaves": 7, "min_data_in_leaf": 40}
BATCH_PAIRS: Final = 200_000


@dataclass(frozen=True)
class Boosted:
    """A boosted model as text, LightGBM's own format; predicts raw scores in single precision."""

    text: str

    def __post_init__(self) -> None:
        import lightgbm  # noqa: F401 - here, for what is decided with is read before anybody waits for an answer

    @cached_property
    def _booster(self) -> "lgb.Booster":
        import lightgbm as lgb

        return lgb.Booster(model_str=self.text)

    def predict(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(rows,)``: log odds, or the logarithm of an expected count."""
        if not len(table):
            return np.zeros(0, np.float32)
        return np.asarray(self._booster.predict(table, raw_score=True, num_threads=_threads(table)), np.float32)

    def contributions(self, table: NDArray[np.float32]) -> NDArray[np.float64]:
        """``(rows, columns)``: what each value adds to the raw score (Lundberg et al. 2018)."""
        found = self._booster.predict(table, pred_contrib=True, num_threads=_threads(table))
        return np.asarray(found, np.float64)[:, :-1]

    def importances(self, names: Sequence[str]) -> dict[str, float]:
        """Each feature's share of the gain."""
        gains = self._booster.feature_importance("gain")
        return {name: float(gain) for name, gain in zip(names, gains / max(gains.sum(), 1e-12), strict=True)}


def pair_names(schema: FeatureSchema) -> tuple[str, ...]:
    """Names of the columns of ``pair_table``."""
    holds = [f"holds:{code}" for code in schema.product_codes]
    scores = [f"score:{name}" for name in schema.recommenders]
    return (*schema.names, *holds, "product", *(name for name in PAIRS if name != "holds"), *scores)


def pair_table(
    schema: FeatureSchema, features: Features, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float32]:
    """``(pairs, …)``: the customer's columns, what he holds, the product, and what is known of the pair.

    Scores that are learnt anew at each moment are rounded to powers of four: by its last digits a share would tell a
    tree which moment it is of, and so what was opened next. What is not proposed has the score 0, the least, so that a
    proposal never lowers a chance.
    """
    drifting = {f"score:{name}" for name in schema.relearnt}
    own = [columns.astype(np.float32)]
    for name, values in features.pairs.items():
        if name != "holds":
            found = values[rows, columns]
            if name.startswith("score:"):
                found = np.nan_to_num(found)
            own.append(_rounded(found) if name in drifting else found)
    return np.concatenate(
        [features.customers[rows], features.pairs["holds"][rows], np.stack(own, axis=1)], axis=1, dtype=np.float32
    )


def fit_pairs(
    schema: FeatureSchema, features: Features, opened: Mask, valid: Mask, rounds: int | None = None
) -> tuple[Boosted, int]:
    """Fit to ``(n, m)`` openings; without ``rounds``, stop by the rows of ``valid``, which are not learnt from.

    No tree lowers a chance by more of what ``rises``. Returns the model, and its number of rounds.
    """
    generator = np.random.default_rng(SEED)
    open_to = ~features.held
    rate = np.minimum(1.0, NEGATIVES / np.maximum(1, open_to.sum(axis=1)))[:, None]
    drawn = open_to & (opened | (generator.random(open_to.shape) < rate))
    weights = np.where(opened, 1.0, np.broadcast_to(1 / rate, opened.shape))
    names = pair_names(schema)
    categories = [*schema.words, "product"]

    def data(those: Mask, reference: "lgb.Dataset | None" = None) -> "lgb.Dataset":
        rows, columns = np.nonzero(drawn & those[:, None])
        table = pair_table(schema, features, rows, columns)
        return _dataset(table, opened[rows, columns], weights[rows, columns], names, categories, reference)

    return _train(PAIR_PARAMETERS | {"monotone_constraints": [int(rises(name)) for name in names]}, data, valid, rounds)


def rises(name: str) -> bool:
    """Whether more of a feature never lowers a chance, because reasons rest on it: relatives who hold, and scores."""
    return name == "kin" or name.startswith("score:")


def fit_counts(
    schema: FeatureSchema,
    features: Features,
    counts: NDArray[np.float32],
    weights: NDArray[np.float32],
    valid: Mask,
    rounds: int | None = None,
) -> tuple[Boosted, int]:
    """Fit how many products each customer opens in a period; as ``fit_pairs``."""

    def data(those: Mask, reference: "lgb.Dataset | None" = None) -> "lgb.Dataset":
        table = count_table(features)[those]
        return _dataset(table, counts[those], weights[those], count_names(schema), list(schema.words), reference)

    return _train(COUNT_PARAMETERS, data, valid, rounds)


def fit_events(
    schema: FeatureSchema,
    features: Features,
    happened: NDArray[np.bool_],
    weights: NDArray[np.float32],
    valid: NDArray[np.bool_],
    rounds: int | None = None,
) -> tuple[Boosted, int]:
    """Fit to whom something happened; as ``fit_pairs``."""

    def data(those: NDArray[np.bool_], reference: "lgb.Dataset | None" = None) -> "lgb.Dataset":
        table = count_table(features)[those]
        return _dataset(table, happened[those], weights[those], count_names(schema), list(schema.words), reference)

    return _train(EVENT_PARAMETERS, data, valid, rounds)


def count_names(schema: FeatureSchema) -> tuple[str, ...]:
    """Names of the columns of ``count_table``."""
    return (*schema.names, *(f"holds:{code}" for code in schema.product_codes))


def count_table(features: Features) -> NDArray[np.float32]:
    """``(n, …)``: the customer's columns, and what he holds."""
    return np.concatenate([features.customers, features.pairs["holds"]], axis=1)


def _train(parameters: dict[str, Any], data: Any, valid: Mask, rounds: int | None) -> tuple[Boosted, int]:
    import lightgbm as lgb  # its libraries take long to import

    if rounds is not None:
        booster = lgb.train(parameters, data(np.ones(len(valid), np.bool_)), rounds)
        return Boosted(booster.model_to_string()), rounds
    learnt = data(~valid)
    booster = lgb.train(
        parameters,
        learnt,
        MOST_ROUNDS,
        [data(valid, learnt)],
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
    )
    return Boosted(booster.model_to_string(num_iteration=booster.best_iteration)), booster.best_iteration


def _dataset(
    table: NDArray[np.float32],
    labels: NDArray[Any],
    weights: NDArray[Any],
    names: Sequence[str],
    categories: list[str],
    reference: "lgb.Dataset | None",
) -> "lgb.Dataset":
    import lightgbm as lgb

    plain = [f"f{number}" for number in range(len(names))]  # LightGBM takes no signs in names
    return lgb.Dataset(
        table,
        labels.astype(np.float32),
        weight=weights,
        feature_name=plain,
        categorical_feature=[plain[names.index(name)] for name in categories],
        reference=reference,
        params=COMMON,
    )


def _rounded(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.round(np.log2(np.maximum(np.abs(scores), np.float32(2**-20))) / 2)
    return np.sign(scores) * np.exp2(2 * powers)


def _threads(table: NDArray[np.float32]) -> int:
    """One thread for a request, which has others beside it; all for a batch."""
    return 1 if len(table) < 2_000 else 0
