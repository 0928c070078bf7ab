"""Plugins' score cards: aggregates alone, and none of fewer than 20."""

from datetime import datetime

import strawberry

from api.types.plugin_lives import PluginStageDecision
from graph.plugin_days import Count, Foreseen
from graph.plugin_outcomes import Side
from graph.words import PluginStage
from plugins.life.score_cards import Lift, ProcessFigures, ScoreCard


@strawberry.type(description="One side of a plugin's experiment: its share, or its holdout.")
class PluginSide:
    """A side."""

    customers: int = strawberry.field(description="Customers who had an outcome of an offer.")
    shown: int = strawberry.field(description="Offers that had an outcome, each once for a customer and a product.")
    taken: int = strawberry.field(description="Of these, those that were accepted.")
    rate: float = strawberry.field(description="The part of what was shown that was taken.")

    @classmethod
    def of(cls, side: Side) -> "PluginSide":
        """Make the type of a side."""
        return cls(customers=side.customers, shown=side.shown, taken=side.taken, rate=side.rate)


@strawberry.type(description="What a plugin adds to what customers take, with its interval at 95 %.")
class PluginLift:
    """A difference of rates."""

    difference: float = strawberry.field(description="The rate in its share less that in its holdout.")
    low: float = strawberry.field(description="From where on the difference is likely to be (Newcombe's interval).")
    high: float = strawberry.field(description="Up to where the difference is likely to be.")
    ratio: float | None = strawberry.field(
        description="The rate in its share by that in its holdout; null where nothing was taken in the holdout."
    )

    @classmethod
    def of(cls, lift: Lift) -> "PluginLift":
        """Make the type of a lift."""
        return cls(difference=lift.difference, low=lift.low, high=lift.high, ratio=lift.ratio)


@strawberry.type(description="What a plugin proposed in shadow and in its shares.")
class PluginCounts:
    """Counts of a plugin."""

    asked: int = strawberry.field(description="Requests' customers it was asked about; one may be asked about often.")
    proposed: int = strawberry.field(description="Of these, those to whom it proposed something.")
    best: int = strawberry.field(description="Of these, those who had it, or would have, among their best offers.")
    failures: int = strawberry.field(description="Calls that failed.")
    passed_over: int = strawberry.field(description="Customers of whom it was not asked, as too many waited.")

    @classmethod
    def of(cls, count: Count) -> "PluginCounts":
        """Make the type of counts."""
        return cls(
            asked=count.asked,
            proposed=count.proposed,
            best=count.best,
            failures=count.failures,
            passed_over=count.passed_over,
        )


@strawberry.type(description="What became of those to whom a plugin would have offered something in shadow.")
class PluginForeseen:
    """What a plugin foresaw."""

    customers: int = strawberry.field(description="How many there are.")
    takers: int = strawberry.field(description="How many have opened it since.")

    @classmethod
    def of(cls, foreseen: Foreseen) -> "PluginForeseen":
        """Make the type of what was foreseen."""
        return cls(customers=foreseen.customers, takers=foreseen.takers)


@strawberry.type(description="How a plugin fares in the process that answers, since it began.")
class PluginProcess:
    """A plugin in a process."""

    calls: int = strawberry.field(description="Calls of its recommenders.")
    failures: int = strawberry.field(description="Failures of its recommenders, gates, bundles and levers.")
    mean_ms: float = strawberry.field(description="Mean time of a call of its recommenders, in milliseconds.")

    @classmethod
    def of(cls, figures: ProcessFigures) -> "PluginProcess":
        """Make the type of a process's figures."""
        return cls(calls=figures.calls, failures=figures.failures, mean_ms=figures.mean_ms)


@strawberry.type(description="How a plugin does: aggregates alone; what is of fewer than 20 is null.")
class PluginScoreCard:
    """A score card."""

    plugin: str = strawberry.field(description="The plugin's name.")
    is_gone: bool = strawberry.field(
        description="Whether it is not loaded in the process that answers: the card is of what was."
    )
    stage: PluginStage = strawberry.field(description="Where it is, or was.")
    decision: PluginStageDecision | None = strawberry.field(
        description="By which it was put there; null where nobody has decided."
    )
    counted_since: datetime | None = strawberry.field(
        description="When it was last put on a share: both sides count offers from then on; null where it never was."
    )
    share: PluginSide | None = strawberry.field(description="Those whom it decided of; null of fewer than 20.")
    holdout: PluginSide | None = strawberry.field(
        description="Those whom it did not, while others were in its share; null of fewer than 20."
    )
    lift: PluginLift | None = strawberry.field(description="The one beside the other; null where either is null.")
    counts: PluginCounts | None = strawberry.field(
        description="What it proposed; null where asked fewer than 20 times."
    )
    foreseen: PluginForeseen | None = strawberry.field(
        description="What became of what it proposed in shadow; null of fewer than 20 customers."
    )
    process: PluginProcess | None = strawberry.field(
        description="How it fares in the process that answers; null where it is not loaded there."
    )

    @classmethod
    def of(cls, card: ScoreCard, figures: ProcessFigures | None) -> "PluginScoreCard":
        """Make the type of a card."""
        return cls(
            plugin=card.plugin,
            is_gone=card.is_gone,
            stage=card.life.stage,
            decision=PluginStageDecision.of(card.decision) if card.decision else None,
            counted_since=card.counted_since,
            share=PluginSide.of(card.share) if card.share else None,
            holdout=PluginSide.of(card.holdout) if card.holdout else None,
            lift=PluginLift.of(card.lift) if card.lift else None,
            counts=PluginCounts.of(card.counts) if card.counts else None,
            foreseen=PluginForeseen.of(card.foreseen) if card.foreseen else None,
            process=PluginProcess.of(figures) if figures else None,
        )
