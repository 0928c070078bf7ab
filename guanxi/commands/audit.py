"""``guanxi audit``: the log of who read, wrote and was denied what, and whether it is what was recorded."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer

from graph.audit import AuditLog, Wanted
from graph.audit_checks import ChainBroken, Checked, check, follow
from graph.audit_entries import AuditAction, AuditKey, AuditOutcome, Head, stamp
from graph.audit_pruning import copy, cut
from graph.errors import GuanxiError, SettingsError
from graph.store import Row
from guanxi.auditing import audit_log, audit_secret, record
from guanxi.opening import open_store
from guanxi.settings import Settings

HEAD: Final = re.compile(r"(\d{1,18}):([\w-]+)")
DAY: Final = ["%Y-%m-%d"]


class Action(StrEnum):
    """What is done with the log."""

    LIST = "list"
    VERIFY = "verify"
    HEAD = "head"
    PRUNE = "prune"


def audit(
    action: Annotated[
        Action,
        typer.Argument(
            help="list, the newest first; verify: whether it is what was recorded; head: what to keep elsewhere, to "
            "verify by; prune: move what is old into a file."
        ),
    ] = Action.LIST,
    customer: Annotated[str | None, typer.Option(help="With list: about this customer, by number.")] = None,
    actor: Annotated[str | None, typer.Option(help="With list: by this actor.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=DAY, help="With list: from this day on, in UTC.")] = None,
    denied: Annotated[bool, typer.Option("--denied", help="With list: denied attempts alone.")] = False,
    top: Annotated[int, typer.Option(min=1, help="With list: how many.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="With list: print JSON, a line each.")] = False,
    head: Annotated[str | None, typer.Option(help="With verify: a head that was kept elsewhere.")] = None,
    archive: Annotated[
        Path | None, typer.Option(help="With prune: the file to write. With verify: check this file, not the log.")
    ] = None,
    before: Annotated[datetime | None, typer.Option(formats=DAY, help="With prune: what is older, in UTC.")] = None,
) -> int:
    """List, verify or prune the audit log. Exit code 1: it is not what was recorded, and how is said."""
    settings = Settings()
    match action:
        case Action.LIST:
            outcome = AuditOutcome.DENIED.value if denied else None
            wanted = Wanted(None, actor, outcome, stamp(since.replace(tzinfo=UTC)) if since else None)
            return asyncio.run(_list(settings, customer, wanted, top, as_json=as_json))
        case Action.VERIFY:
            return _verify(settings, _head(head), archive)
        case Action.HEAD:
            typer.echo(str(asyncio.run(_checked(settings, None)).end))
            return 0
        case _:
            if before is None or archive is None:
                raise SettingsError("guanxi audit prune takes --before DAY and --archive FILE.")
            typer.echo(_prune(settings, before.replace(tzinfo=UTC), archive))
            return 0


async def _list(settings: Settings, customer: str | None, wanted: Wanted, top: int, *, as_json: bool) -> int:
    async with open_store(settings) as store:
        log = audit_log(settings, store)
        subject = None if customer is None else log.key.pseudonym(customer)
        found = await log.page(Wanted(subject, wanted.actor, wanted.outcome, wanted.since), top)
        await record(settings, store, AuditAction.READ, "audit list", [] if customer is None else [customer])
    for entry in found:
        typer.echo(json.dumps(entry, ensure_ascii=False, sort_keys=True) if as_json else _line(entry))
    return 0


def _line(entry: Row) -> str:
    subjects = len(entry["subjects"])
    parts = [
        f"{entry['entry_no']:>8}",
        entry["at"][:19],
        entry["action"],
        entry["outcome"],
        f"{entry['role'] or '-'} {entry['actor']!r}",
        entry["operation"] or "-",
        *([f"{subjects} customer{'s' if subjects > 1 else ''}"] if subjects else []),
        *entry["codes"],
        *([entry["details"]] if entry["details"] != "{}" else []),
    ]
    return "  ".join(parts)


def _verify(settings: Settings, kept: Head | None, archive: Path | None) -> int:
    try:
        checked = asyncio.run(_checked(settings, kept) if archive is None else _archived(settings, kept, archive))
    except ChainBroken as broken:
        typer.echo(str(broken))
        return 1
    first = checked.start.entry_no + 1
    which = f"entries {first} to {checked.end.entry_no}" if checked.count else "no entries"
    earlier = f"; {checked.start.entry_no} before them are in archives" if checked.start.entry_no else ""
    typer.echo(f"The audit log holds: {which}{earlier}. Head {checked.end}")
    return 0


async def _checked(settings: Settings, kept: Head | None) -> Checked:
    async with open_store(settings) as store:
        return await check(store, AuditKey(audit_secret(settings)), kept)


async def _archived(settings: Settings, kept: Head | None, archive: Path) -> Checked:
    rows = _rows(archive)
    start = Head(rows[0]["entry_no"] - 1, rows[0]["previous"]) if rows else Head()

    async def found() -> AsyncIterator[Row]:
        for row in rows:
            yield row

    return await follow(found(), AuditKey(audit_secret(settings)), start, kept)


def _rows(archive: Path) -> list[Row]:
    try:
        rows = [json.loads(line) for line in archive.read_text(encoding="utf-8").splitlines()]
        if all(isinstance(row, dict) and {"entry_no", "previous"} <= row.keys() for row in rows):
            return rows
    except OSError as error:
        raise SettingsError(f"{archive} cannot be read: {error.strerror}.") from error
    except ValueError:
        pass
    raise ChainBroken(f"{archive} is no archive of an audit log, or a line of it was changed.")


def _head(text: str | None) -> Head | None:
    if text is None:
        return None
    found = HEAD.fullmatch(text)
    if found is None:
        raise SettingsError(f"{text!r} is no head; guanxi audit head prints one.")
    return Head(int(found[1]), found[2])


def _prune(settings: Settings, before: datetime, archive: Path) -> str:
    if archive.exists():
        raise SettingsError(f"{archive} exists already; name another file.")
    pruned = asyncio.run(_pruned(settings, before, archive))
    if not pruned.count:
        archive.unlink()
        return f"No entry is older than {before.date()}."
    return f"Entries {pruned.start.entry_no + 1} to {pruned.end.entry_no} are in {archive}, and no more in the log."


async def _pruned(settings: Settings, before: datetime, archive: Path) -> Checked:
    async with open_store(settings) as store:
        log = audit_log(settings, store)
        copied = await _copied(log, before, archive)
        if copied.count:
            await cut(log, copied)
            numbers = {"first": copied.start.entry_no + 1, "last": copied.end.entry_no}
            await record(settings, store, AuditAction.WRITE, "audit prune", details=numbers)
        return copied


async def _copied(log: AuditLog, before: datetime, archive: Path) -> Checked:
    """The archive's entries, which are on the disk before any is deleted."""
    whole = archive.with_name(f".{archive.name}.whole")
    try:
        with whole.open("w", encoding="utf-8") as file:
            copied = await copy(log.store, log.key, before, partial(_write, file))
            file.flush()
            os.fsync(file.fileno())
        whole.replace(archive)
    except OSError as error:
        raise GuanxiError(f"{archive} cannot be written: {error.strerror}.") from error
    finally:
        whole.unlink(missing_ok=True)
    return copied


def _write(file: TextIO, entry: Row) -> None:
    file.write(json.dumps(entry, sort_keys=True) + "\n")
