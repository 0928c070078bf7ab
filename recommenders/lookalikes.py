"""Customers like those of a list: a logistic regression that tells the list from others, drawn at random.

Traits are the ranker's own, as indicators (``recommenders.choice``): numbers cut at quantiles, categories one by one,
what is held, was held and was lately opened; protected columns are none. The likeness is the chance that a customer is
of the list, were it as large as the rest (classes weigh the same); how well it tells is an AUC over five folds of
customers it had not seen. Drawn and folded from one seed, so that the same bank gives the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from graph.errors import ModelError
from graph.records import Customer
from recommenders.batch import Batch
from recommenders.choice import indicators, learn_edges
from recommenders.contract import Context
from recommenders.engine import Engine
from recommenders.examples import Load
from recommenders.features import Features, FeatureSchema, extract, learn_schema
from recommenders.gates import sees_whole
from recommenders.passes import Passes
from recommenders.prospects import Page

LEAST_LISTED: Final = 20
MOST_LISTED: Final = 5_000
MOST_OTHERS: Final = 10_000
READ_AT_ONCE: Final = 1_000
FOLDS: Final = 5
SEED: Final = 7
HARDLY: Final = 0.6
"""An AUC below which the list is hardly told from anybody."""
GROUPS: Final = ("consent", "contact")
"""Gates that speak of the customer and not of the product."""


@dataclass(frozen=True)
class Lookalikes:
    """What was learnt of a list.

    Attributes:
        listed, others: how many customers it was learnt from.
        unknown: how many of the list the bank does not know.
        auc: of customers of the list and others, how often the former looks more like it.
    """

    schema: FeatureSchema
    edges: NDArray[np.float32]
    regression: Any
    listed: int
    others: int
    unknown: int
    auc: float

    def look(self, engine: Engine, customers: Sequence[Customer], context: Context) -> Page:
        """Say how like the list customers are, and who may not be approached, as a page of one column."""
        passes = Passes.of(customers, engine.catalogue, context, engine.tell)
        features = extract(self.schema, passes.general, {})
        likeness = self.regression.predict_proba(self.traits(features))[:, 1]
        gates = [gate for gate in engine.gates if gate.gate in GROUPS]
        refusals = np.full((len(customers), 1), -1, np.int16)
        for position in reversed(range(len(gates))):
            batch = passes.whole if sees_whole(gates[position]) else passes.general
            refusals[gates[position].refuses(batch).all(axis=1), 0] = position
        codes = tuple(gate.code for gate in gates)
        return Page(tuple(customers), likeness.astype(np.float32)[:, None], refusals, codes)

    def traits(self, features: Features) -> csr_matrix:
        """``(n, t)``: 0 or 1."""
        return indicators(self.schema, features, self.edges)

    def told(self) -> list[str]:
        """Return what its reader should know."""
        lines = [
            f"Learnt from {self.listed:,} of the list and {self.others:,} others; AUC {self.auc:.2f} "
            "(0.5: the list is like anybody, 1: like nobody else)."
        ]
        if self.auc < HARDLY:
            lines.append("The list is hardly told from anybody: its like may be anyone.")
        if self.unknown:
            lines.append(f"Of the list, {self.unknown:,} are no customers of the bank.")
        return lines


def draw_others(listed: Sequence[str], everybody: Sequence[str]) -> list[str]:
    """Draw customers who are not of the list."""
    rest = sorted(set(everybody) - set(listed))
    count = min(len(rest), MOST_OTHERS)
    return [rest[place] for place in np.sort(np.random.default_rng(SEED).choice(len(rest), count, replace=False))]


async def learn(
    load: Load, engine: Engine, listed: Sequence[str], others: Sequence[str], context: Context
) -> Lookalikes:
    """Learn to tell a list from others.

    Raises:
        ModelError: there are too few on either side.
    """
    from sklearn.linear_model import LogisticRegression  # its libraries take long to import
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    places = np.sort(np.random.default_rng(SEED).permutation(len(listed))[:MOST_LISTED])
    ours = await _read(load, [listed[place] for place in places])
    theirs = await _read(load, others)
    if len(ours) < LEAST_LISTED:
        raise ModelError(
            f"The list names {len(ours)} customers of the bank; {LEAST_LISTED} are the least to learn from."
        )
    if len(theirs) < LEAST_LISTED:
        raise ModelError(f"Beside the list there are {len(theirs)} customers; {LEAST_LISTED} are the least.")
    batch = Batch.of([*ours, *theirs], engine.catalogue, context)
    schema = engine.ranker.schema if engine.ranker else learn_schema(batch.customers, engine.catalogue.codes, ())
    features = extract(schema, batch, {})
    edges = learn_edges(schema, features)
    traits = indicators(schema, features, edges)
    is_listed = np.arange(len(features)) < len(ours)
    regression = LogisticRegression(C=0.1, class_weight="balanced", max_iter=300)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    unseen = cross_val_predict(regression, traits, is_listed, cv=folds, method="predict_proba")[:, 1]
    auc = float(roc_auc_score(is_listed, unseen))
    regression.fit(traits, is_listed)
    unknown = len(places) - len(ours)
    return Lookalikes(schema, edges, regression, len(ours), len(theirs), unknown, auc)


async def _read(load: Load, numbers: Sequence[str]) -> list[Customer]:
    found: list[Customer] = []
    for start in range(0, len(numbers), READ_AT_ONCE):
        found += await load(numbers[start : start + READ_AT_ONCE])
    return found
