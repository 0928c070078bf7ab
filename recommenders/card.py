"""An artefact's card: what a person must know of a model before he trusts it, read without loading any array.

It is the manifest's words put in order, for the command line and the API.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final, Self

from recommenders.ablation import Ablation
from recommenders.boosting import pair_names
from recommenders.features import FeatureSchema

METRIC: Final = "map@7"
"""The headline: mean average precision of the seven best, over customers who opened something."""


@dataclass(frozen=True, slots=True)
class Card:
    """What is told of a model.

    Attributes:
        trained_at: None for an artefact from before cards.
        period_months: what a propensity looks ahead; 0 where openings carry no dates; None without a ranker.
        data: customers, holdings, products, first and last opening, period_months and moments that were learnt from.
        judged: days ``from`` and ``until`` of the openings that the metrics were measured on, before the ranker was
            fitted to them too, and ``examples``, how many customers at a moment; empty where nothing was measured.
        metrics: by name; ``map@7``, ``map@7 of MEMBER`` for each member of the stack alone, ``calibration_error``.
        ablation: what the ranking loses without each group of features and each member; None where nothing was
            measured, and for an artefact from before it was.
        stack: weight of each member.
        rounds: rounds of boosting, of the pair model and of the counts.
        features: share of the gain of the most important ones; empty where nothing was boosted.
        feature_count: how many there are.
        recommenders: versions by name of those whose scores are features.
        protected: columns that no feature was made of.
        purpose_limits: kinds of data of which nothing was learnt, and which products each may serve.
        seconds: what training took, by part.
        limits: what the model is known not to do, in sentences.
    """

    model_id: str
    as_of: date
    trained_at: datetime | None
    period_months: int | None
    data: Mapping[str, Any]
    judged: Mapping[str, Any]
    metrics: Mapping[str, float]
    ablation: Ablation | None
    stack: Mapping[str, float]
    rounds: Mapping[str, int]
    features: Mapping[str, float]
    feature_count: int
    recommenders: Mapping[str, str]
    protected: tuple[str, ...]
    purpose_limits: Mapping[str, list[str]]
    seconds: Mapping[str, float]
    limits: tuple[str, ...]

    @classmethod
    def of(cls, model_id: str, manifest: Mapping[str, Any]) -> Self:
        """Read a manifest; raises KeyError, TypeError, ValueError or AttributeError where it is none."""
        ranker, training = manifest["ranker"] or {}, manifest.get("training", {})
        told = ranker.get("card", {})
        trained_at = training.get("trained_at")
        names = pair_names(FeatureSchema.from_json(ranker["schema"])) if ranker else ()
        return cls(
            model_id=model_id,
            as_of=date.fromisoformat(manifest["as_of"]),
            trained_at=datetime.fromisoformat(trained_at) if trained_at else None,
            period_months=ranker.get("period_months"),
            data=dict(manifest["learnt_from"]),
            judged=dict(training.get("judged", {})),
            metrics=_metrics(told),
            ablation=Ablation(**told["ablation"]) if "ablation" in told else None,
            stack=dict(ranker.get("stack", {})),
            rounds=dict(told.get("rounds", {})),
            features=dict(told.get("features", {})),
            feature_count=len(names),
            recommenders=dict(training.get("recommenders", manifest["versions"])),
            protected=tuple(training.get("protected", ())),
            purpose_limits=dict(training.get("purpose_limits", {})),
            seconds=dict(training.get("seconds", {})),
            limits=tuple(_limits(ranker, told)),
        )

    @property
    def headline(self) -> float | None:
        """MAP@7 on openings it was not fitted to; None where too little was opened to measure."""
        return self.metrics.get(METRIC)

    def as_json(self) -> dict[str, Any]:
        """Return the card in JSON's types."""
        told = asdict(self) | {"as_of": self.as_of.isoformat()}
        return told | {"trained_at": self.trained_at.isoformat() if self.trained_at else None}


def _metrics(told: Mapping[str, Any]) -> dict[str, float]:
    known = dict(told.get(METRIC, {}))
    metrics = {METRIC: known.pop("stack")} if known else {}
    metrics |= {f"{METRIC} of {name}": value for name, value in known.items()}
    if "calibration_error" in told:
        metrics["calibration_error"] = told["calibration_error"]
    return metrics


def _limits(ranker: Mapping[str, Any], told: Mapping[str, Any]) -> list[str]:
    if not ranker:
        return ["Nothing was ever opened or held: each recommender speaks for itself, by rules and popularity."]
    limits = ["What a balance or a status says now is no feature: it was another when past openings were made."]
    if not ranker["period_months"]:
        limits.append("Openings carry no dates: a propensity is the chance of being the next one, at no stated time.")
    if "rounds" not in told:
        limits.append("Too few customers opened something to learn from: customers are ranked by popularity alone.")
    elif not told["rounds"]["pairs"]:
        limits.append("Too few customers opened something to boost: the ranker is a logit beside popularity.")
    if told:
        limits.append("The metrics are of the parts before they were fitted anew to all openings, these included.")
    return limits
