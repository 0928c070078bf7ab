"""A data scientist's model: scikit-learn at training time, and its coefficients as plain arrays afterwards."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from guanxi import About, Candidates, hookimpl

PRODUCT = "PENSION"


def features(batch):
    """``(n, 3)``: age in years, income by the month, and months that brought a salary; 0 where unknown."""
    salaries = batch.frames.activity.filter(pl.col("salary") > 0).group_by("row").agg(pl.len().alias("salaries"))
    table = batch.frames.customers.join(salaries, on="row", how="left", maintain_order="left")
    return table.select("age", "income", "salaries").fill_null(0).cast(pl.Float64).to_numpy()


@dataclass(frozen=True)
class PensionModel:
    """``coefficients`` are (3,) and ``intercept`` (1,) of features as they are; None until trained."""

    name: str = "pension-model"
    version: str = "1"
    learns_from_customers: bool = True
    coefficients: np.ndarray | None = None
    intercept: np.ndarray | None = None

    def fit(self, portfolio):
        """Logistic regression on who holds the product; without holders, or with nothing but, every score is a half."""
        catalogue = portfolio.catalogue
        holds = portfolio.batch.held[:, catalogue.index[PRODUCT]] if PRODUCT in catalogue else np.zeros(0, np.bool_)
        if holds.all() or not holds.any():
            return {"coefficients": np.zeros(3), "intercept": np.zeros(1)}
        scaler, regression = StandardScaler(), LogisticRegression()
        make_pipeline(scaler, regression).fit(features(portfolio.batch), holds)
        coefficients = regression.coef_[0] / scaler.scale_
        return {"coefficients": coefficients, "intercept": regression.intercept_ - coefficients @ scaler.mean_}

    def with_arrays(self, arrays, _):
        """Return the trained recommender."""
        return replace(self, **arrays)

    def propose(self, batch):
        """Score the product alone."""
        scores = np.full(batch.shape, np.nan, np.float32)
        if PRODUCT in batch.catalogue:
            logits = features(batch) @ self.coefficients + self.intercept
            scores[:, batch.catalogue.index[PRODUCT]] = 1 / (1 + np.exp(-logits))
        return Candidates(scores, lambda *_: None)


@hookimpl
def about():
    """See what the features are made of."""
    return About(permissions=("birth_date", "income", "activity", "holdings"))


@hookimpl
def recommenders(register):
    """Register the recommender."""
    register(PensionModel())
