"""How commands that read a bank's files show progress and say what they did."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from loaders.importing import LoadSummary
from loaders.importing import Progress as OnProgress

COLUMNS = ("read", "loaded", "unchanged", "rejected")


@contextmanager
def progress_bars(*, quiet: bool) -> Iterator[OnProgress | None]:
    """Give a callback that draws a bar a file on a terminal, and nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description:20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def show(file: str, done: int, total: int) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(file)
            bars.update(tasks[file], completed=done, total=total)

        yield show


def report(summary: LoadSummary, *, as_json: bool) -> None:
    """Print a summary: JSON for machines, a table on a terminal, plain lines elsewhere."""
    if as_json:
        files = [{"file": file.file, **{name: getattr(file, name) for name in COLUMNS}} for file in summary.files]
        typer.echo(json.dumps({"files": files, "rejects": str(summary.rejects) if summary.rejects else None}))
        return
    if sys.stdout.isatty():
        table = Table("file", *COLUMNS)
        for file in summary.files:
            table.add_row(file.file, *(f"{getattr(file, name):,}" for name in COLUMNS))
        Console().print(table)
    else:
        for file in summary.files:
            typer.echo(f"{file.file}: " + ", ".join(f"{getattr(file, name)} {name}" for name in COLUMNS))
    if summary.rejects:
        typer.echo(f"Rejected rows, with line, column and reason: {summary.rejects}")


@contextmanager
def reading_bar() -> Iterator[Callable[[str, int], None]]:
    """Give a function to tell what customers are read for, and how many: it shows so on a terminal alone."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        task = bars.add_task("customers read", total=None)
        yield lambda part, read: bars.update(task, description=f"customers read: {part}", completed=read)


@contextmanager
def customer_bar(total: int) -> Iterator[Callable[[int], None]]:
    """Give a function to tell of customers done: it moves a bar on a terminal, and nothing elsewhere."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        task = bars.add_task("customers", total=total)
        yield lambda done: bars.advance(task, done)
