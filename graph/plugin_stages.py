"""The stages of plugins: a history that only grows, one node a decision, each with who, when and why.

The version of a plugin's life is the number of decisions on it; of two who decide at once, one is told of the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from neo4j.exceptions import ConstraintError

from graph.errors import VersionConflict
from graph.store import Row, Store
from graph.words import PluginStage

HISTORY: Final = """
MATCH (s:PluginStage) WHERE $plugin IS NULL OR s.plugin = $plugin
RETURN s.plugin AS plugin, s.version AS version, s.stage AS stage, s.share AS share, s.reason AS reason,
  s.decided_by AS decided_by, s.decided_at AS decided_at, s.restores AS restores
ORDER BY plugin, version
"""
DECIDE: Final = "CREATE (s:PluginStage {stage_key: $stage_key}) SET s += $properties"


@dataclass(frozen=True, slots=True)
class StageDecision:
    """A plugin was put on a stage.

    Attributes:
        version: 1 for the first decision on a plugin, and 1 more for each.
        share: percent of customers, where the stage is share.
        restores: the version that a rollback went back to; 0 where it went back to before the first decision.
    """

    plugin: str
    version: int
    stage: PluginStage
    share: int | None
    reason: str
    decided_by: str
    decided_at: datetime
    restores: int | None = None


async def history(store: Store, plugin: str | None = None) -> list[StageDecision]:
    """Return the decisions on a plugin, or on all of them by name, the earliest first."""
    return [_decision(row) for row in await store.read(HISTORY, plugin=plugin)]


def latest(decisions: Sequence[StageDecision]) -> dict[str, StageDecision]:
    """Return what holds: the last decision on each plugin, of all that come in their order."""
    return {decision.plugin: decision for decision in decisions}


async def decide(store: Store, decision: StageDecision) -> None:
    """Write a decision.

    Raises:
        VersionConflict: somebody else has decided meanwhile.
    """
    properties = {
        "plugin": decision.plugin,
        "version": decision.version,
        "stage": decision.stage,
        "share": decision.share,
        "reason": decision.reason,
        "decided_by": decision.decided_by,
        "decided_at": decision.decided_at,
        "restores": decision.restores,
    }
    known = {name: value for name, value in properties.items() if value is not None}
    try:
        await store.write(DECIDE, stage_key=f"{decision.plugin}|{decision.version}", properties=known)
    except ConstraintError as error:
        raise VersionConflict((await history(store, decision.plugin))[-1].version) from error


def _decision(row: Row) -> StageDecision:
    return StageDecision(**row | {"stage": PluginStage(row["stage"])})
