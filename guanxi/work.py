"""Which jobs there are, which of them a server does, and how one run is done, in a process of its own."""

import asyncio
import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from graph import jobs
from graph.errors import SettingsError, StoreError
from graph.jobs import JobOutcome, JobState, Run
from graph.store import Store
from guanxi.settings import Settings
from plugins.contract import Job
from plugins.failures.failure import Asked
from plugins.failures.reports import FailureReports
from plugins.failures.telling import PROCESS_ENDED, Foreign, foreign
from plugins.host import PluginHost
from plugins.infos import SHIPPED, PluginInfo
from plugins.isolation.memory import ONE_HEAP
from plugins.isolation.workers import START_SECONDS

logger = logging.getLogger("guanxi.jobs")

LOOK_SECONDS: Final = 5.0
RENEW_SECONDS: Final = 15.0
AT_ONCE: Final = 2
"""How many jobs a server process has running."""
ALL: Final = "all"


def job_named(host: PluginHost, name: str) -> tuple[Job, PluginInfo]:
    """Return a job and whose it is.

    Raises:
        SettingsError: there is none of that name.
    """
    known = {job.name: (job, info) for job, info in host.of("jobs")}
    if name not in known:
        raise SettingsError(f"There is no job {name!r}; there are {', '.join(sorted(known))}.")
    return known[name]


def is_done_here(job: Job, asked: tuple[str, ...]) -> bool:
    """Whether servers do a job, by ``GUANXI_JOBS``: names, ``all``, and ``-NAME`` for one that is not to run."""
    return not is_left_out(job.name, asked) and (job.by_default or job.name in asked or ALL in asked)


def is_left_out(name: str, asked: tuple[str, ...]) -> bool:
    """Whether ``GUANXI_JOBS`` says of a job that servers are not to do it."""
    return f"-{name}" in asked


def is_due(job: Job, state: JobState | None, now: datetime) -> bool:
    """Whether it is time for a job, and nobody is at it."""
    if state is None:
        return True
    if state.outcome is JobOutcome.INTERRUPTED:
        return True
    return state.outcome is not JobOutcome.RUNNING and state.started_at + job.every <= now


async def keep_working(store: Store, host: Callable[[], PluginHost], settings: Settings) -> None:
    """Do what is due of the jobs that a host has by then, for ever; what goes wrong is recorded, and tried again.

    A run that was begun goes on, whatever becomes of its job.
    """
    missing = set[str]()
    async with asyncio.TaskGroup() as tasks:
        running: dict[str, asyncio.Task[None]] = {}
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = host()
            known = {job.name: (job, info) for job, info in now.of("jobs")}
            missing = _missing(settings.jobs, known, missing)
            wanted = {name: own for name, own in known.items() if is_done_here(own[0], settings.jobs)}
            running = {name: task for name, task in running.items() if not task.done()}
            for name in await _due(store, wanted):
                if name not in running and len(running) < AT_ONCE:
                    running[name] = tasks.create_task(_attempt(store, *wanted[name], settings, now.reports))


def _missing(asked: tuple[str, ...], known: Collection[str], before: set[str]) -> set[str]:
    """Return which of the jobs that settings name are not there, and warn of those that were not missing before."""
    missing = {name.removeprefix("-") for name in asked} - {ALL, *known}
    for name in sorted(missing - before):
        logger.warning("GUANXI_JOBS names %r, and there is no such job", name)
    return missing


async def _due(store: Store, wanted: Mapping[str, tuple[Job, PluginInfo]]) -> list[str]:
    now = datetime.now(UTC)
    try:
        states = await jobs.states(store, now)
    except StoreError as error:
        logger.warning("jobs wait: %s", error)
        return []
    except Exception:
        logger.exception("jobs wait")
        return []
    return [name for name, (job, _) in wanted.items() if is_due(job, states.get(name), now)]


async def _attempt(store: Store, job: Job, owner: PluginInfo, settings: Settings, reports: FailureReports) -> None:
    try:
        await run_job(store, job, owner, settings, reports, due=True)
    except StoreError as error:
        logger.warning("the job %s waits: %s", job.name, error)
    except Exception:
        logger.exception("the job %s waits", job.name)


async def run_job(
    store: Store,
    job: Job,
    owner: PluginInfo,
    settings: Settings,
    reports: FailureReports,
    *,
    due: bool = False,
    quiet: bool = True,
) -> tuple[JobOutcome, str | None] | None:
    """Run a job and return what came of it, with the error; None where another is at it or, with ``due``, it is not.

    The plugin's owner is told by ``reports`` that it failed.
    """
    run = Run(job.name, secrets.token_hex(8), f"{socket.gethostname()}:{os.getpid()}", owner.name)
    if not await jobs.take(store, run, datetime.now(UTC), job.every if due else None):
        return None
    try:
        outcome, error, failure = await _done(store, run, job, settings, quiet=quiet)
    except BaseException:
        await asyncio.shield(jobs.end(store, run, JobOutcome.INTERRUPTED, None, datetime.now(UTC)))
        raise
    await jobs.end(store, run, outcome, error, datetime.now(UTC))
    if failure is not None and owner.source != SHIPPED:
        await asyncio.to_thread(reports.tell, owner, "jobs", job.name, failure, Asked.of(is_safe=True))
    logger.info("the job %s: %s%s", job.name, outcome, f", {error}" if error else "")
    return outcome, error


async def _done(
    store: Store, run: Run, job: Job, settings: Settings, *, quiet: bool
) -> tuple[JobOutcome, str | None, Foreign | None]:
    """Do a job; return what came of it, what may be kept of the error, and its plugin's failure, which quotes none."""
    with tempfile.TemporaryDirectory() as folder, _hearing() as (begun, begins):
        report = Path(folder) / "report"
        holding = asyncio.create_task(_hold(store, run))
        process = await _started(job.name, report, begins, settings, quiet=quiet)
        waiting = asyncio.create_task(process.wait())
        try:
            late = await _late(job, begun, waiting, holding)
            if waiting.done() and process.returncode == 0:
                return JobOutcome.DONE, None, None
            if waiting.done():
                return JobOutcome.FAILED, *_failed(report, process.returncode)
            if holding.done():
                return JobOutcome.FAILED, "another server took it on", None
            return JobOutcome.FAILED, late, Foreign("TimeoutError", late)
        finally:
            holding.cancel()
            with suppress(ProcessLookupError, PermissionError):  # it may be over, and its id another's
                os.killpg(process.pid, signal.SIGKILL)
            await waiting


async def _late(job: Job, begun: asyncio.Event, *ends: asyncio.Task[Any]) -> str:
    """Wait for an end, as long as a job may take; return what is to be said of one that there was none of by then.

    Its time counts from where its function begins: on busy cores, imports may take longer than a short job may.
    """
    start = max(job.most, timedelta(seconds=START_SECONDS))
    beginning = asyncio.create_task(begun.wait())
    try:
        await asyncio.wait({beginning, *ends}, timeout=start.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        if not beginning.done():
            return f"had not begun after {start}"
        await asyncio.wait(ends, timeout=job.most.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        return f"took longer than {job.most}"
    finally:
        beginning.cancel()


@contextmanager
def _hearing() -> Iterator[tuple[asyncio.Event, int]]:
    """Yield what is set when a run's process first writes to a descriptor, and the descriptor, which is held open."""
    loop, begun = asyncio.get_running_loop(), asyncio.Event()
    heard, begins = os.pipe()

    def hear() -> None:
        loop.remove_reader(heard)
        begun.set()

    loop.add_reader(heard, hear)
    try:
        yield begun, begins
    finally:
        loop.remove_reader(heard)
        os.close(heard)
        os.close(begins)


def _failed(report: Path, code: int | None) -> tuple[str, Foreign | None]:
    """What may be kept of what a job failed on, and its plugin's failure, which quotes nobody.

    A process that ended of itself reports nothing.
    """
    with suppress(OSError, ValueError, LookupError, TypeError):
        told = json.loads(report.read_text(encoding="utf-8"))
        return str(told["told"]), foreign(told) if "kind" in told else None
    return f"exit code {code}", Foreign(PROCESS_ENDED, f"exit code {code}")


async def _hold(store: Store, run: Run) -> None:
    """Renew a lease until it is another's; while the store is down, it may become so."""
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        try:
            if not await jobs.renew(store, run, datetime.now(UTC)):
                return
        except StoreError as error:
            logger.warning("the job %s is not held: %s", run.job_name, error)
        except Exception:
            logger.exception("the job %s is not held", run.job_name)


async def _started(
    name: str, report: Path, begins: int, settings: Settings, *, quiet: bool
) -> asyncio.subprocess.Process:
    """Start a job's process with this one's environment; a server has no place for what it prints."""
    own = {"GUANXI_HOME": str(settings.home), "GUANXI_PLUGINS": os.pathsep.join(map(str, settings.plugins))}
    output = subprocess.DEVNULL if quiet else None
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "guanxi.job_process", name, str(report), str(os.getpid()), str(begins)),
        pass_fds=(begins,),
        env=os.environ | own | ONE_HEAP,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=None if settings.development else output,
    )
