"""How often plugins failed in which way, counted over all servers; webhooks are told of each way once a day at most."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from neo4j.exceptions import ConstraintError

from graph.outbox import TELL, failure_event, moment_key
from graph.records import PluginFailure
from graph.store import Run, Store

AGAIN: Final = timedelta(days=1)
"""After this, webhooks are told once more of what still fails."""
KEPT: Final = timedelta(days=30)
TRIES: Final = 5

ADD: Final = """
UNWIND $failures AS failure
MERGE (f:PluginFailure {failure_id: failure.failure_id})
ON CREATE SET f.plugin = failure.plugin, f.since = $now
SET f.count = coalesce(f.count, 0) + failure.count, f.last_at = $now
WITH f WHERE f.told_at IS NULL OR f.told_at <= $told_before
RETURN f.failure_id AS failure_id, f.count AS count, f.since AS since
"""
TELL_OF: Final = f"""
UNWIND $told AS one
MATCH (f:PluginFailure {{failure_id: one.failure_id}})
WITH f, one.event AS event
{TELL}
SET f.told_at = $now
"""
"""What no webhook is told of is told once there is one."""
FORGET: Final = "MATCH (f:PluginFailure) WHERE f.last_at < $before DELETE f"


async def add(store: Store, counts: Mapping[PluginFailure, int], now: datetime) -> None:
    """Add how often plugins failed, and tell webhooks of what they were not told of in the last day; all or none."""
    failures = {failure.failure_id: failure for failure in counts}
    rows = [
        {"failure_id": own.failure_id, "plugin": own.plugin, "count": count}
        for own, count in sorted(counts.items(), key=lambda one: one[0].failure_id)  # servers lock them in one order
    ]

    async def work(run: Run) -> None:
        due = await run(ADD, {"failures": rows, "now": now, "told_before": now - AGAIN})
        told: list[dict[str, Any]] = [
            {
                "failure_id": row["failure_id"],
                "event": failure_event(
                    asdict(failures[row["failure_id"]]), row["count"], row["since"], now
                ).parameters(),
            }
            for row in due
        ]
        await run(TELL_OF, {"told": told, "now": now, "due": moment_key(now)})
        await run(FORGET, {"before": now - KEPT})

    for _ in range(TRIES - 1):
        try:
            await store.transact(work)
        except ConstraintError:
            continue  # another made one between this transaction's MERGE and its commit; now it is found
        return
    await store.transact(work)
