"""``guanxi retention``: what is older than it may be kept goes."""

import asyncio
import getpass
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

import typer

from graph import erasures
from graph.audit_entries import AuditAction
from graph.erasures import Order
from graph.errors import SettingsError, StillOpen
from graph.retention import Due, count, due, lost, remove
from graph.store import Store
from guanxi.auditing import record
from guanxi.opening import open_store
from guanxi.removing import AsJson, DryRun
from guanxi.secret_files import erasure_secret
from guanxi.settings import Settings
from recommenders import prospect_lists

Told: TypeAlias = Mapping[str, Any]
REASON = "Nothing open and no sign since {since}: kept no longer."


def retention(dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Remove what is older than the settings GUANXI_KEEP_… say; customers are erased, with a proof."""
    settings = Settings()
    told = asyncio.run(_run(settings, parts_due(settings), dry_run=dry_run, quiet=as_json))
    if as_json:
        typer.echo(json.dumps({"dry_run": dry_run, "parts": told}, default=str, indent=1))


def parts_due(settings: Settings) -> list[Due]:
    """Return the parts that are kept for a time.

    Raises:
        SettingsError: there is none.
    """
    parts = list(due(settings.keep, datetime.now(UTC).date()))
    if not parts:
        raise SettingsError("Everything is kept for ever: set GUANXI_KEEP_INTERACTIONS or another, in months.")
    return parts


async def _run(settings: Settings, parts: list[Due], *, dry_run: bool, quiet: bool) -> list[Told]:
    told = list[Told]()
    async with open_store(settings) as store:
        for part in parts:
            removed = await (count(store, part) if dry_run else remove_part(settings, store, part))
            told.append({"part": part.part, "before": part.since, "removed": removed})
            if not quiet:
                done = "would be removed" if dry_run else "removed"
                typer.echo(f"{part.part}: {removed:,} {done}, of before {part.since}")
    return told


async def remove_part(settings: Settings, store: Store, part: Due) -> int:
    """Remove what of a part is too old, have it in the audit log, and return how much it was."""
    removed = await _remove(settings, store, part)
    if removed:
        details = {"part": part.part, "before": str(part.since), "removed": removed}
        await record(settings, store, AuditAction.WRITE, "retention", details=details)
    return removed


async def _remove(settings: Settings, store: Store, part: Due) -> int:
    if part.part == "customers":
        return await _erase(settings, store, part)
    return sum([removed async for removed in remove(store, part)])


async def _erase(settings: Settings, store: Store, part: Due) -> int:
    erased, secret, by, reason = 0, erasure_secret(settings), getpass.getuser(), REASON.format(since=part.since)
    async for numbers in lost(store, part):
        prospect_lists.forget(settings.models_dir, numbers)
        for number in numbers:
            try:
                await erasures.erase(store, Order(number, by, reason, datetime.now(UTC)), secret)
            except StillOpen:
                continue  # opened since he was found
            erased += 1
    return erased
