"""Checks of what a plugin has run: commands answer ``--help``, and jobs can be called; and what no check looks at."""

import inspect
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final

from click import Command as ClickCommand
from click import Group
from click.testing import CliRunner

from guanxi.bank import Bank
from guanxi.checking_items import own_items
from guanxi.findings import Finding, where
from guanxi.plugin_commands import made
from plugins.contract import Command, Job, imported
from plugins.infos import PluginInfo
from plugins.isolation.threads import Apart

UNCHECKED: Final = {
    "fields": "arguments of fields other than their defaults",
    "commands": "what commands do",
    "formats": "formats, which guanxi check FOLDER --format NAME reads files by",
    "breakdowns": "what reports for partners count",
}
"""What is not looked at, by the hook that it is registered by."""


def check_runs(bank: Bank, info: PluginInfo, path: Path, *, run_jobs: bool) -> Iterator[Finding]:
    """Yield what is found of a plugin's commands and jobs, which are run only if they shall be, and what is not."""
    for command in own_items(bank, info, "commands"):
        yield from _helps(command, path)
    jobs = own_items(bank, info, "jobs")
    for job in jobs:
        yield _done(job, bank, path, run=run_jobs)
    left = [told for hook, told in UNCHECKED.items() if own_items(bank, info, hook)]
    if jobs and not run_jobs:
        left.append("what jobs do, which --jobs runs")
    if left:
        yield Finding("not checked", passed=None, told="; ".join(left))


def _helps(command: Command, path: Path) -> Iterator[Finding]:
    check = f"command {command.name} helps"
    try:
        whole = made(command)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
        yield Finding(check, passed=False, told=where(error, path))
        return
    for words in _paths(whole):
        said = CliRunner().invoke(whole, [*words, "--help"], prog_name=command.name)
        raised = f", {where(said.exception, path)}" if isinstance(said.exception, Exception) else ""
        told = f"{' '.join((command.name, *words))} --help: exit code {said.exit_code}{raised}"
        yield Finding(check, passed=not said.exit_code, told=told)


def _paths(command: ClickCommand) -> Iterator[tuple[str, ...]]:
    """Yield the words of a command, and of all in it, behind its name."""
    yield ()
    if isinstance(command, Group):
        for name, own in command.commands.items():
            yield from ((name, *words) for words in _paths(own))


def _done(job: Job, bank: Bank, path: Path, *, run: bool) -> Finding:
    check = f"job {job.name} {'runs' if run else 'can be called'}"
    try:
        function = _callable(job, bank)
        if not run:
            return Finding(check, passed=True, told=f"with a bank, every {job.every}, for {job.most} at most")
        started = time.perf_counter()
        with redirect_stdout(sys.stderr):
            Apart(job.name).call(job.most.total_seconds(), function, bank)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
        return Finding(check, passed=False, told=where(error, path))
    return Finding(check, passed=True, told=f"{time.perf_counter() - started:.1f} s of {job.most}")


def _callable(job: Job, bank: Bank) -> Callable[[Bank], object]:
    """Return a job's function; raises TypeError if it cannot be called with a bank, or whatever importing it does."""
    function: Callable[[Bank], object] = imported(job.run)
    if inspect.iscoroutinefunction(function):
        raise TypeError("it is no plain function")
    inspect.signature(function).bind(bank)
    return function
