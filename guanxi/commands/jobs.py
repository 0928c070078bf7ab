"""``guanxi jobs``: what servers do at intervals, and what came of it last."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from graph.errors import SettingsError
from graph.jobs import JobOutcome, JobState, states
from guanxi.opening import open_store
from guanxi.plugin_loading import load_plugins
from guanxi.settings import Settings
from guanxi.work import is_done_here, is_left_out, job_named, run_job
from plugins.contract import Job
from plugins.failures.reports import FailureReports
from plugins.failures.storing import telling
from plugins.infos import PluginInfo

jobs = typer.Typer(add_completion=False)


@jobs.callback(invoke_without_command=True)
def list_(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> int:
    """List what servers do at intervals, with what came of it last, or run one now."""
    if context.invoked_subcommand is not None:
        return 0
    settings = Settings()
    found = asyncio.run(_states(settings))
    told = [_told(job, info, found.get(job.name), settings) for job, info in load_plugins(settings).of("jobs")]
    if as_json:
        typer.echo(json.dumps(told, default=_text, indent=1))
    else:
        for job in told:
            typer.echo(_line(job, settings.jobs))
    return 0


@jobs.command()
def run(name: Annotated[str, typer.Argument(help="The job's name.")]) -> int:
    """Run a job now, whenever it ran last. Exit code 1: it failed."""
    settings = Settings()
    host = load_plugins(settings)
    job, owner = job_named(host, name)
    came = asyncio.run(_run(settings, job, owner, host.reports))
    if came is None:
        raise SettingsError(f"The job {name} is running already; guanxi jobs says where.")
    outcome, error = came
    typer.echo(f"{name}: {outcome}" + (f", {error}" if error else ""), err=outcome is not JobOutcome.DONE)
    return 0 if outcome is JobOutcome.DONE else 1


async def _states(settings: Settings) -> dict[str, JobState]:
    async with open_store(settings) as store:
        return await states(store, datetime.now(UTC))


async def _run(
    settings: Settings, job: Job, owner: PluginInfo, reports: FailureReports
) -> tuple[JobOutcome, str | None] | None:
    async with open_store(settings) as store, telling(store, reports.counts):
        return await run_job(store, job, owner, settings, reports, quiet=False)


def _told(job: Job, info: PluginInfo, state: JobState | None, settings: Settings) -> dict[str, Any]:
    on = is_done_here(job, settings.jobs)
    last = {name: getattr(state, name, None) for name in ("started_at", "ended_at", "outcome", "error", "runner")}
    after = state.started_at + job.every if state and state.outcome is not JobOutcome.INTERRUPTED else None
    return {
        "name": job.name,
        "help": job.help,
        "plugin": info.name,
        "every": job.every,
        "on": on,
        **last,
        "runs": state.runs if state else 0,
        "failures": state.failures if state else 0,
        "next": after if on else None,
    }


def _line(job: dict[str, Any], asked: tuple[str, ...]) -> str:
    head = f"{job['name']:<16} {job['plugin']:<14} every {job['every']}"
    if job["started_at"] is None:
        last = "never ran"
    else:
        error = f", {job['error']}" if job["error"] else ""
        last = f"{job['outcome']} {job['started_at']:%Y-%m-%d %H:%M}{error}; {job['failures']} of {job['runs']} failed"
    if is_left_out(job["name"], asked):
        coming = "off: GUANXI_JOBS leaves it out"
    elif not job["on"]:
        coming = "off: name it in GUANXI_JOBS"
    else:
        coming = f"next {job['next']:%Y-%m-%d %H:%M}" if job["next"] else "next at once"
    return f"{head}   {last}   {coming}"


def _text(value: object) -> str | float:
    return value.total_seconds() if isinstance(value, timedelta) else str(value)
