"""What the bank's staff is told of customers beside offers: will he leave, what is he worth, whom is he like."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from graph.records import Customer
from recommenders.artefact import Model
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.churn import Churn, is_case
from recommenders.contract import Context, Text
from recommenders.features import Features, extract
from recommenders.segments import Segment, is_grouped
from recommenders.value import Value, customer_value


@dataclass(frozen=True, slots=True)
class Leaving:
    """A customer's chance of being lost within months, and what raises it most."""

    probability: float
    horizon_months: int
    reasons: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Insight:
    """Of one customer; None for what is not known."""

    customer_no: str
    leaving: Leaving | None
    value: Value | None
    segment: Segment | None


def insights(model: Model | None, catalogue: Catalogue, records: Sequence[Customer], today: date) -> list[Insight]:
    """Return what a model says of customers on a day; without one, their value by rules."""
    batch = Batch.of(records, catalogue, Context(today=today))
    churn, segments = (model.churn, model.segments) if model else (None, None)
    known = churn or segments
    features = extract(known.schema, batch, {}) if known else None
    leaving = _leaving(churn, batch, features)
    groups = [segments.described[place] for place in segments.assign(features)] if segments and features else None
    found = []
    for row, (customer, chance) in enumerate(zip(batch.customers, leaving, strict=True)):
        worth = customer_value(customer, catalogue, (chance.probability, chance.horizon_months) if chance else None)
        segment = groups[row] if groups and is_grouped(customer) else None
        found.append(Insight(customer.customer_no, chance, worth, segment))
    return found


def _leaving(churn: Churn | None, batch: Batch, features: Features | None) -> list[Leaving | None]:
    if churn is None or features is None:
        return [None] * len(batch.customers)
    chances = churn.probabilities(features)
    reasons = churn.reasons(features, batch.customers, batch.catalogue)
    return [
        Leaving(float(chance), churn.horizon_months, why) if is_case(customer) else None
        for customer, chance, why in zip(batch.customers, chances, reasons, strict=True)
    ]
