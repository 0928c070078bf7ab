"""Jobs: what came of each the last time, and a lease by which one server at a time does it.

A lease is renewed for as long as the job runs. One that was not is over: its server died, and another may begin.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from neo4j.exceptions import ConstraintError

from graph.store import Store

LEASE: Final = timedelta(seconds=60)

ENSURE: Final = "MERGE (j:Job {job_name: $job_name})"
TAKE: Final = """
MATCH (j:Job {job_name: $job_name})
SET j.job_name = j.job_name
WITH j WHERE (j.lease_until IS NULL OR j.lease_until <= $now)
  AND ($before IS NULL OR j.started_at IS NULL OR j.started_at <= $before OR j.outcome = 'interrupted')
SET j.failures = coalesce(j.failures, 0) + CASE WHEN j.outcome = 'running' THEN 1 ELSE 0 END,
  j.runs = coalesce(j.runs, 0) + 1, j.run_id = $run_id, j.runner = $runner, j.lease_until = $until,
  j.started_at = $now, j.ended_at = null, j.outcome = 'running', j.error = null, j.plugin = $plugin
RETURN j.run_id AS run_id
"""
"""Setting the name to itself locks the job before its lease is read. A run that nobody ended has failed."""
RENEW: Final = """
MATCH (j:Job {job_name: $job_name})
SET j.job_name = j.job_name
WITH j WHERE j.run_id = $run_id
SET j.lease_until = $until
RETURN j.run_id AS run_id
"""
END: Final = """
MATCH (j:Job {job_name: $job_name})
SET j.job_name = j.job_name
WITH j WHERE j.run_id = $run_id
SET j.lease_until = null, j.ended_at = $now, j.outcome = $outcome, j.error = $error,
  j.failures = coalesce(j.failures, 0) + CASE WHEN $outcome = 'failed' THEN 1 ELSE 0 END
RETURN j.run_id AS run_id
"""
STATES: Final = "MATCH (j:Job) RETURN properties(j) AS job ORDER BY j.job_name"


class JobOutcome(StrEnum):
    """What became of a run: ``interrupted`` where its server was stopped, ``died`` where that was killed."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    DIED = "died"


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has been taken on.

    Attributes:
        run_id: tells it from every other run.
        runner: who does it: host and process.
        plugin: whose job it is.
    """

    job_name: str
    run_id: str
    runner: str
    plugin: str | None = None


@dataclass(frozen=True, slots=True)
class JobState:
    """A job's last run, and how often it ran and failed.

    Attributes:
        error: of what type the error was, and where it was raised; never what it said.
    """

    job_name: str
    runner: str
    started_at: datetime
    ended_at: datetime | None
    outcome: JobOutcome
    error: str | None
    runs: int
    failures: int


async def take(store: Store, run: Run, now: datetime, every: timedelta | None = None) -> bool:
    """Take a job on, and return whether it was there to be taken: not done elsewhere now and, given ``every``, due.

    It is due when it began that long ago, or was interrupted.
    """
    with suppress(ConstraintError):  # another made it between this transaction's MERGE and its commit
        await store.write(ENSURE, job_name=run.job_name)
    before = None if every is None else now - every
    return bool(
        await store.write(
            TAKE,
            job_name=run.job_name,
            run_id=run.run_id,
            runner=run.runner,
            plugin=run.plugin,
            now=now,
            before=before,
            until=now + LEASE,
        )
    )


async def renew(store: Store, run: Run, now: datetime) -> bool:
    """Hold a job for longer; False where another has it."""
    return bool(await store.write(RENEW, job_name=run.job_name, run_id=run.run_id, until=now + LEASE))


async def end(store: Store, run: Run, outcome: JobOutcome, error: str | None, now: datetime) -> bool:
    """Record what came of a run; False where another has taken the job on since."""
    return bool(await store.write(END, job_name=run.job_name, run_id=run.run_id, outcome=outcome, error=error, now=now))


async def states(store: Store, now: datetime) -> dict[str, JobState]:
    """Return what came of every job that ever ran, by its name."""
    rows = await store.read(STATES)
    return {row["job"]["job_name"]: _state(row["job"], now) for row in rows if "started_at" in row["job"]}


def _state(own: dict[str, Any], now: datetime) -> JobState:
    outcome, until = JobOutcome(own["outcome"]), own.get("lease_until")
    if outcome is JobOutcome.RUNNING and (until is None or until <= now):
        outcome = JobOutcome.DIED
    return JobState(
        job_name=own["job_name"],
        runner=own["runner"],
        started_at=own["started_at"],
        ended_at=own.get("ended_at"),
        outcome=outcome,
        error=own.get("error"),
        runs=own["runs"],
        failures=own["failures"],
    )
