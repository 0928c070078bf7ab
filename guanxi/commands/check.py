"""``guanxi check``: what a load would reject, without a store and without writing to one."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from guanxi.formats import DEFAULT, open_source, told
from guanxi.reporting import progress_bars, report
from guanxi.settings import Settings
from loaders.importing import check_bank


def check(
    directory: Annotated[Path, typer.Argument(help="Folder with the bank's files.")],
    format_: Annotated[str, typer.Option("--format", help=told())] = DEFAULT,
    option: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option of the format.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    rejects: Annotated[Path | None, typer.Option(help="Rejects file; by default in GUANXI_HOME.")] = None,
) -> int:
    """Validate a whole bank's files by themselves. Exit code 0: all rows are good; 1: some are not; 2: unreadable."""
    source = open_source(directory, format_, option or ())
    path = rejects or Settings().home / "rejects.csv"
    with progress_bars(quiet=as_json) as progress:
        summary = asyncio.run(check_bank(source, path, progress=progress, named=str(directory)))
    report(summary, as_json=as_json)
    return 1 if summary.rejected else 0
