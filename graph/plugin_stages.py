"""The stages of plugins: a history that only grows, one node a decision, each with who, when and why.

The version of a plugin's life is the number of decisions on it; of two who decide at once, one is told of the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from neo4j.exceptions import ConstraintError

from graph.errors import KeyReused, VersionConflict
from graph.once import CLAIM, Request, claimed, write_once
from graph.store import Row, Store
from graph.words import PluginStage

TOLD: Final = """
RETURN s.plugin AS plugin, s.version AS version, s.stage AS stage, s.share AS share, s.reason AS reason,
  s.decided_by AS decided_by, s.decided_at AS decided_at, s.restores AS restores
ORDER BY plugin, version
"""
HISTORY: Final = f"MATCH (s:PluginStage) WHERE $plugin IS NULL OR s.plugin = $plugin {TOLD}"
BY_KEY: Final = f"MATCH (s:PluginStage {{stage_key: $stage_key}}) {TOLD}"
DECIDE: Final = "CREATE (s:PluginStage {stage_key: $stage_key}) SET s += $properties"
DECIDE_ONCE: Final = f"WITH $stage_key AS c {CLAIM} {DECIDE}, k.stage_key = $stage_key"
STAND: Final = f"WITH $stage_key AS c {CLAIM} SET k.stage_key = $stage_key"
UNDECIDE: Final = "UNWIND $keys AS key MATCH (k:IdempotencyKey {stage_key: key.key}) DELETE k"
"""Takes the keys of decisions away with these."""


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


async def recorded(store: Store, request: Request | None) -> StageDecision | None:
    """Return the decision that a request stands for; None where it stands for none yet.

    Raises:
        KeyReused: its key stands for another input, or for what was forgotten.
    """
    claim = await claimed(store, request) if request else None
    if claim is None:
        return None
    rows = await store.read(BY_KEY, stage_key=claim["stage_key"])
    if not rows:
        raise KeyReused
    return _decision(rows[0])


async def stand(store: Store, decision: StageDecision, request: Request | None) -> None:
    """Have a request stand for a decision that is there; raises as ``recorded``."""
    if request is not None:
        await write_once(store, request, STAND, stage_key=_key(decision))


async def decide(store: Store, decision: StageDecision, request: Request | None = None) -> None:
    """Write a decision, for a request once.

    Raises:
        KeyReused: the request's key stands for another input.
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
        if request is None:
            await store.write(DECIDE, stage_key=_key(decision), properties=known)
        else:
            await write_once(store, request, DECIDE_ONCE, stage_key=_key(decision), properties=known)
    except ConstraintError as error:
        raise VersionConflict((await history(store, decision.plugin))[-1].version) from error


def _key(decision: StageDecision) -> str:
    return f"{decision.plugin}|{decision.version}"


def _decision(row: Row) -> StageDecision:
    return StageDecision(**row | {"stage": PluginStage(row["stage"])})
