"""The model in service, as the bank's staff read it."""

from datetime import date, datetime

import strawberry

from api.costs import assumed
from recommenders import artefact, history
from recommenders.ablation import Ablation
from recommenders.card import Card

LONGEST_HISTORY = 100


@strawberry.type(description="How good a model was on openings it was not fitted to.")
class ModelMetric:
    """A metric."""

    name: str = strawberry.field(description="map@7, map@7 of each part of the model alone, or calibration_error.")
    value: float = strawberry.field(description="Its value, 0 to 1; of calibration_error, the less the better.")


@strawberry.type(description="What a model goes by.")
class ModelFeature:
    """A feature."""

    name: str = strawberry.field(description="Its name; `own:` stands before columns of the bank's own files.")
    importance: float = strawberry.field(description="Its share of what the boosted trees gain, 0 to 1.")


@strawberry.type(description="What a model's ranking loses without a part of what it goes by.")
class ModelLoss:
    """A group of features, or a member of the model."""

    name: str = strawberry.field(description="A group of features, or a part of the model.")
    fall: float = strawberry.field(description="What map@7 falls by without it; below 0 where it rises.")


@strawberry.type(description="What a model's ranking goes by, measured on openings it was not fitted to.")
class ModelAblation:
    """A card's ablation."""

    examples: int = strawberry.field(description="On how many customers who opened something it was measured.")
    whole: float = strawberry.field(description="map@7 of the whole model on them, 0 to 1.")
    groups: list[ModelLoss] = strawberry.field(
        description="Each group of features, what it says exchanged between the customers, the largest fall first: "
        "holdings, changes of holdings, profile, `own columns` of the bank's files, activity, contacts, relations, "
        "season, and `score:` before a recommender.",
        directives=[assumed(20)],
    )
    members: list[ModelLoss] = strawberry.field(
        description="Each part of the model left out, and the others weighed anew, the largest fall first.",
        directives=[assumed(20)],
    )

    @classmethod
    def of(cls, ablation: Ablation) -> "ModelAblation":
        """Make the type of what was measured."""
        groups, members = [
            [ModelLoss(name=name, fall=fall) for name, fall in falls.items()]
            for falls in (ablation.groups, ablation.members)
        ]
        return cls(examples=ablation.examples, whole=ablation.whole, groups=groups, members=members)


@strawberry.type(description="A model was put in force.")
class ModelLife:
    """A line of the history."""

    model_id: strawberry.ID = strawberry.field(description="Which model.")
    at: datetime = strawberry.field(description="When.")
    how: str = strawberry.field(description="trained, promoted, rolled back, or by hand.")

    @classmethod
    def of(cls, life: history.Life) -> "ModelLife":
        """Make the type of a line."""
        return cls(model_id=strawberry.ID(life.model_id), at=life.at, how=life.how)


@strawberry.type(description="A trained model, and since when it is live.")
class Model:
    """A model in service."""

    card: strawberry.Private[Card]
    lives: strawberry.Private[list[history.Life]]
    id: strawberry.ID = strawberry.field(description="The id of its artefact, which decisions and /readyz tell too.")
    as_of: date = strawberry.field(description="The day that it was trained as of; it knows nothing later.")
    trained_at: datetime | None = strawberry.field(description="When it was trained; null where that is not known.")
    period_months: int | None = strawberry.field(
        description="How many months a propensity looks ahead; null where openings carry no dates."
    )
    customers: int = strawberry.field(description="How many customers it was learnt from.")
    holdings: int = strawberry.field(description="How many holdings it was learnt from.")
    first_opening: date | None = strawberry.field(description="The first opening that it was learnt from.")
    last_opening: date | None = strawberry.field(description="The last opening that it was learnt from.")
    surprises: list[str] = strawberry.field(
        description="Columns met since it is served whose type is not what was learnt; they count as unknown."
    )

    @classmethod
    def of(cls, model: artefact.Model, lives: list[history.Life]) -> "Model":
        """Make the type of the model in service."""
        card, schema = model.card, model.ranker.schema if model.ranker else None
        return cls(
            card=card,
            lives=lives,
            id=strawberry.ID(card.model_id),
            as_of=card.as_of,
            trained_at=card.trained_at,
            period_months=card.period_months or None,
            customers=card.data.get("customers", 0),
            holdings=card.data.get("holdings", 0),
            first_opening=_day(card.data.get("first")),
            last_opening=_day(card.data.get("last")),
            surprises=sorted(schema.surprises) if schema else [],
        )

    @strawberry.field(description="Since when it is live; null where nothing tells.")
    def live_since(self) -> datetime | None:
        """The last time it was put in force."""
        return next((life.at for life in reversed(self.lives) if life.model_id == self.id), None)

    @strawberry.field(
        description="How good it was on openings it was not fitted to; empty where too few were made.",
        directives=[assumed(20)],
    )
    def metrics(self) -> list[ModelMetric]:
        """The card's metrics."""
        return [ModelMetric(name=name, value=value) for name, value in self.card.metrics.items()]

    @strawberry.field(description="What its ranking loses without a part; null where that was not measured.")
    def ablation(self) -> ModelAblation | None:
        """The card's ablation."""
        return ModelAblation.of(self.card.ablation) if self.card.ablation else None

    @strawberry.field(description="The most important features, the first first; 30 at most.", directives=[assumed(30)])
    def features(self) -> list[ModelFeature]:
        """The card's features."""
        return [ModelFeature(name=name, importance=share) for name, share in self.card.features.items()]

    @strawberry.field(description="What it is known not to do, in sentences.")
    def limits(self) -> list[str]:
        """The card's limits."""
        return list(self.card.limits)

    @strawberry.field(
        description="Which models were put in force, the last first; 100 at most.",
        directives=[assumed(LONGEST_HISTORY)],
    )
    def history(self) -> list[ModelLife]:
        """The lives of all models."""
        return [ModelLife.of(life) for life in self.lives[: -LONGEST_HISTORY - 1 : -1]]


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
