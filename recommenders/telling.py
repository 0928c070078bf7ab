"""Finds what the bank's staff, and plugins that may know, are told of customers beside offers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from graph.records import Customer
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.churn import Churn, is_case
from recommenders.contract import Context
from recommenders.features import Features, extract
from recommenders.insight import CustomerScores, Insight, Leaving, Tell
from recommenders.passes import Passes
from recommenders.segments import Segments, is_grouped
from recommenders.value import customer_value
from recommenders.view import CustomerView

if TYPE_CHECKING:
    from recommenders.artefact import Model


@dataclass(frozen=True, slots=True)
class Learnt:
    """What was learnt of customers beside products; None for what could not be."""

    churn: Churn | None = None
    segments: Segments | None = None

    def tell(self, batch: Batch) -> list[Insight]:
        """Say what is known of customers who are seen without confined data; of their worth, without churn, by rule."""
        known = self.churn or self.segments
        features = extract(known.schema, batch, {}) if known else None
        leaving = _leaving(self.churn, batch, features)
        segments = self.segments
        groups = [segments.described[own] for own in segments.assign(features)] if segments and features else None
        found = []
        for row, (customer, chance) in enumerate(zip(batch.customers, leaving, strict=True)):
            churn = (chance.probability, chance.horizon_months) if chance else None
            scores = CustomerScores(chance, customer_value(customer, batch.catalogue, churn))
            segment = groups[row] if groups and is_grouped(customer) else None
            found.append(Insight(customer.customer_no, segment, scores))
        return found


def learnt_of(model: "Model | None") -> Learnt:
    """Return what a model has learnt of customers beside products; without one, nothing."""
    return Learnt(model.churn, model.segments) if model else Learnt()


def insights(model: "Model | None", catalogue: Catalogue, records: Sequence[Customer], today: date) -> list[Insight]:
    """Return what a model says of customers on a day; without one, their value by rules."""
    return learnt_of(model).tell(Batch.of(records, catalogue, Context(today=today)))


def told(tell: Tell, catalogue: Catalogue, records: Sequence[Customer], context: Context) -> Sequence[CustomerView]:
    """Return customers with all that is known of them, and what is told of them when it is asked for."""
    return Passes.of(records, catalogue, context, tell).whole.told


def _leaving(churn: Churn | None, batch: Batch, features: Features | None) -> list[Leaving | None]:
    if churn is None or features is None:
        return [None] * len(batch.customers)
    chances = churn.probabilities(features)
    reasons = churn.reasons(features, batch.customers, batch.catalogue)
    return [
        Leaving(float(chance), churn.horizon_months, why) if is_case(customer) else None
        for customer, chance, why in zip(batch.customers, chances, reasons, strict=True)
    ]
