"""``guanxi load``: a bank's files into the graph."""

import asyncio
import logging
from pathlib import Path
from typing import Annotated

import typer

from graph.audit_entries import AuditAction
from graph.store import Store
from guanxi.auditing import record
from guanxi.days import day
from guanxi.empty_regions import empty_regions
from guanxi.formats import DEFAULT, open_source, told
from guanxi.opening import open_store
from guanxi.reporting import progress_bars, report
from guanxi.secret_files import erasure_secret
from guanxi.settings import Settings
from loaders.importing import LoadSummary, absent, load_bank
from loaders.sources import Source
from loaders.tables import PROGRAMMES

logger = logging.getLogger("guanxi")


def load(
    directory: Annotated[Path, typer.Argument(help="Folder with the bank's files.")],
    format_: Annotated[str, typer.Option("--format", help=told())] = DEFAULT,
    option: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option of the format.")] = None,
    strict: Annotated[bool, typer.Option(help="Write nothing when any row would be rejected (exit code 2).")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    rejects: Annotated[Path | None, typer.Option(help="Rejects file; by default in GUANXI_HOME.")] = None,
    assume_consent: Annotated[
        bool,
        typer.Option(
            help="Berka only, as --option assume_consent=true: take consent, of which it has nothing, as given."
        ),
    ] = False,
) -> int:
    """Load a bank's files. Exit code 0: all loaded; 1: some rows rejected; 2: nothing written."""
    settings = Settings()
    source = open_source(directory, format_, option or (), assume_consent=assume_consent)
    path = rejects or settings.home / "rejects.csv"
    summary = asyncio.run(_load(settings, source, path, strict=strict, quiet=as_json, named=str(directory)))
    if lacking := absent(source):
        logger.warning("%s has no %s: what the store has of them stays as it is.", directory, ", ".join(lacking))
    report(summary, as_json=as_json)
    if not summary.rejected:
        return 0
    return 2 if strict else 1


async def _load(
    settings: Settings, source: Source, rejects: Path, *, strict: bool, quiet: bool, named: str
) -> LoadSummary:
    async with open_store(settings) as store:
        with progress_bars(quiet=quiet) as progress:
            secret = erasure_secret(settings)
            summary = await load_bank(
                store, source, rejects, strict=strict, progress=progress, erasure_secret=secret, named=named
            )
        loaded = {file.file: file.loaded for file in summary.files}
        await record(settings, store, AuditAction.WRITE, "load", details=loaded)
        await _warn(store, source)
        return summary


async def _warn(store: Store, source: Source) -> None:
    """Warn of regions that no customer lives in, where contracts were loaded; customers may come later."""
    if PROGRAMMES.name in source.tables():
        for warning in await empty_regions(store, day(None)):
            logger.warning("%s", warning)
