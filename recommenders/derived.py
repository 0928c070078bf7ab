"""What the bank derives of one customer, as plain values for his access report: the results of profiling him.

Offers are not among them: they are made when they are asked for, and nothing of them is kept but outcomes.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from graph.records import Customer
from graph.words import Language
from recommenders import prospect_lists
from recommenders.insight import Insight
from recommenders.view import CustomerView


def derived(record: Customer, insight: Insight, models: Path, model_id: str | None, today: date) -> Mapping[str, Any]:
    """Return a customer's stage, tier, chance of leaving, worth, segment, and the kept lists that name him.

    In his language; None for what is not known of him.

    Raises:
        ModelError: the kept lists are broken.
    """
    view, language = CustomerView(record, today), record.language or Language.EN
    return {
        "as_of": today,
        "model": model_id,
        "lifecycle_stage": view.stage,
        "value_tier": view.tier,
        "churn": _churn(insight, language),
        "value": _value(insight),
        "segment": _segment(insight, language),
        "prospect_lists": prospect_lists.naming(models, record.customer_no),
    }


def _churn(insight: Insight, language: Language) -> Mapping[str, Any] | None:
    leaving = insight.scores.churn
    if leaving is None:
        return None
    return {
        "probability": leaving.probability,
        "horizon_months": leaving.horizon_months,
        "reasons": [text[language] for text in leaving.reasons],
    }


def _value(insight: Insight) -> Mapping[str, Any] | None:
    worth = insight.scores.value
    if worth is None:
        return None
    return {
        "amount": worth.amount,
        "yearly_margin": worth.yearly_margin,
        "expected_years": worth.expected_years,
        "monthly_retention": worth.monthly_retention,
        "learnt": worth.learnt,
    }


def _segment(insight: Insight, language: Language) -> Mapping[str, Any] | None:
    segment = insight.segment
    if segment is None:
        return None
    return {
        "code": segment.code,
        "name": segment.name[language],
        "profile": [text[language] for text in segment.profile],
    }
