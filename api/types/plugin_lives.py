"""Plugins' lives: on which stage each is, who put it there, and why."""

from datetime import datetime

import strawberry

from api.vocabularies import described
from graph.plugin_stages import StageDecision
from graph.words import PluginStage

described(
    "How far a plugin has come. Its fields, jobs and breakdowns of partners' reports are there on every stage.",
    DRAFT="It is loaded and checked, and no offer of it is made.",
    SHADOW="It is asked, and what it would have offered is counted and not shown.",
    SHARE="It decides of a share of the customers; the others are its holdout.",
    LIVE="It decides of everybody.",
    RETIRED="No offer of it is made any more; its figures are kept.",
)(PluginStage)


@strawberry.type(description="A decision on a plugin's stage.")
class PluginStageDecision:
    """A decision."""

    plugin: str = strawberry.field(description="The plugin's name.")
    version: int = strawberry.field(description="How often it was decided on it so far; for `expectedVersion`.")
    stage: PluginStage = strawberry.field(description="Where it was put.")
    share: int | None = strawberry.field(description="Percent of the customers, where the stage is `SHARE`.")
    reason: str = strawberry.field(description="Why.")
    decided_by: str = strawberry.field(description="Who decided.")
    decided_at: datetime = strawberry.field(description="When.")

    @classmethod
    def of(cls, decision: StageDecision) -> "PluginStageDecision":
        """Make the type of a decision."""
        return cls(
            plugin=decision.plugin,
            version=decision.version,
            stage=decision.stage,
            share=decision.share,
            reason=decision.reason,
            decided_by=decision.decided_by,
            decided_at=decision.decided_at,
        )
