"""A batch as polars frames, for plugins that think in tables: of what its customers' views show, and no more."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final, TypeAlias

import polars as pl

from recommenders.insight import CustomerScores
from recommenders.read_only import ReadOnly
from recommenders.view import CustomerView

TEXT: Final = pl.String()
NUMBER: Final = pl.Float64()
DATE: Final = pl.Date()
MOMENT: Final = pl.Datetime("us", "UTC")
Columns: TypeAlias = Mapping[str, pl.DataType]
KEY: Final[Columns] = {"row": pl.UInt32()}
"""The customer's row in the batch, which frames are joined by."""

SCHEMAS: Final[Mapping[str, Columns]] = {
    "customers": {
        **KEY,
        "customer_no": TEXT,
        "kind": TEXT,
        "age": pl.Int32(),
        "gender": TEXT,
        "region": TEXT,
        "branch_code": TEXT,
        "occupation": TEXT,
        "industry": TEXT,
        "income": NUMBER,
        "language": TEXT,
        "risk_profile": TEXT,
        "credit_tier": TEXT,
        "credit_limit": NUMBER,
        "tier": TEXT,
        "stage": TEXT,
        "months_with_bank": NUMBER,
    },
    "holdings": {**KEY, "product_code": TEXT, "opened_on": DATE, "closed_on": DATE, "balance": NUMBER},
    "memberships": {
        **KEY,
        "programme_code": TEXT,
        "programme_kind": TEXT,
        "role": TEXT,
        "partner_code": TEXT,
        "reference": TEXT,
        "since": DATE,
        "until": DATE,
    },
    "activity": {
        **KEY,
        "month": TEXT,
        "inflow": NUMBER,
        "outflow": NUMBER,
        "salary": NUMBER,
        "transactions": pl.Int64(),
        "lowest_balance": NUMBER,
        "closing_balance": NUMBER,
    },
    "interactions": {**KEY, "channel": TEXT, "kind": TEXT, "at": MOMENT, "product_code": TEXT, "note": TEXT},
    "outcomes": {**KEY, "product_code": TEXT, "kind": TEXT, "channel": TEXT, "at": MOMENT},
    "relations": {**KEY, "kind": TEXT, "customers": pl.UInt32()},
    "scores": {
        **KEY,
        "segment": TEXT,
        "churn_probability": NUMBER,
        "churn_horizon_months": pl.Int32(),
        "value_amount": NUMBER,
        "value_yearly_margin": NUMBER,
        "value_expected_years": NUMBER,
        "value_monthly_retention": NUMBER,
    },
}
"""Columns and their types by the frame's name."""


class Frames(ReadOnly):
    """A batch's frames, each made when it is asked for. Stability: plugin API.

    Whoever asks is given a frame of his own, whose columns are shared and never written in place.
    """

    _customers: Sequence[CustomerView]
    _made: dict[str, pl.DataFrame]

    def __init__(self, customers: Sequence[CustomerView]) -> None:
        self.__dict__.update(_customers=customers, _made={})

    @property
    def customers(self) -> pl.DataFrame:
        """One row a customer, in the batch's order."""
        return self._frame("customers", lambda customer: [customer])

    @property
    def holdings(self) -> pl.DataFrame:
        """What was ever held by today; ``closed_on`` is null for what is held still."""
        return self._frame("holdings", lambda customer: customer.ever)

    @property
    def memberships(self) -> pl.DataFrame:
        """Memberships that began by today, ended ones too."""
        return self._frame("memberships", lambda customer: customer.all_memberships)

    @property
    def activity(self) -> pl.DataFrame:
        """Months that are over, at most 36 a customer, oldest first."""
        return self._frame("activity", lambda customer: customer.activity)

    @property
    def interactions(self) -> pl.DataFrame:
        """Interactions up to today."""
        return self._frame("interactions", lambda customer: customer.interactions)

    @property
    def outcomes(self) -> pl.DataFrame:
        """What became of earlier offers, up to today."""
        return self._frame("outcomes", lambda customer: customer.outcomes)

    @property
    def relations(self) -> pl.DataFrame:
        """How many others a customer has a relation of each kind to."""
        return self._once("relations", self._relations)

    def _relations(self) -> pl.DataFrame:
        rows = [
            (row, kind, number)
            for row, customer in enumerate(self._customers)
            for kind, number in sorted(Counter(kind for kind, _ in _related(customer)).items())
        ]
        return pl.DataFrame(rows, SCHEMAS["relations"], orient="row")

    @property
    def scores(self) -> pl.DataFrame:
        """One row a customer, in the batch's order: his segment's code, and his scores."""
        return self._once("scores", self._scores)

    def _scores(self) -> pl.DataFrame:
        rows = [
            (row, customer.segment and customer.segment.code, *_scored(customer.scores))
            for row, customer in enumerate(self._customers)
        ]
        return pl.DataFrame(rows, SCHEMAS["scores"], orient="row")

    def _once(self, name: str, make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name].clone()

    def _frame(self, name: str, parts: Callable[[CustomerView], Iterable[Any]]) -> pl.DataFrame:
        return self._once(name, lambda: self._rows(name, parts))

    def _rows(self, name: str, parts: Callable[[CustomerView], Iterable[Any]]) -> pl.DataFrame:
        schema = SCHEMAS[name]
        names = [column for column in schema if column not in KEY]
        rows = [
            (row, *(_plain(getattr(part, column)) for column in names))
            for row, customer in enumerate(self._customers)
            for part in parts(customer)
        ]
        return pl.DataFrame(rows, schema, orient="row")


def _related(customer: CustomerView) -> set[tuple[str, str]]:
    return {(relation.kind.value, relation.customer_no) for relation in customer.relations}


def _scored(scores: CustomerScores) -> tuple[float | None, ...]:
    churn, value = scores.churn, scores.value
    chance = (churn.probability, churn.horizon_months) if churn else (None, None)
    worth = (value.amount, value.yearly_margin, value.expected_years, value.monthly_retention) if value else (None,) * 4
    return (*chance, *worth)


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else value
