"""``guanxi deputies``: which managers see another's book, and until when."""

import asyncio
import getpass
import json
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from graph import deputies as stored
from graph.audit_entries import AuditAction
from graph.errors import SettingsError
from graph.store import Store
from guanxi.auditing import record
from guanxi.opening import open_store
from guanxi.settings import Settings


class Action(StrEnum):
    """What is done with grants."""

    LIST = "list"
    GRANT = "grant"
    REVOKE = "revoke"


def deputies(
    action: Annotated[
        Action,
        typer.Argument(help="list; grant DEPUTY MANAGER --until DAY; revoke DEPUTY MANAGER."),
    ] = Action.LIST,
    deputy: Annotated[str, typer.Argument(help="The manager who sees the book.")] = "",
    manager: Annotated[str, typer.Argument(help="The manager whose book it is.")] = "",
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="With grant: the last day, in UTC.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With list: print JSON.")] = False,
) -> int:
    """List the managers who see another's book until a day, grant that, or revoke it."""
    named = bool(deputy and manager)
    if named != (action is not Action.LIST) or (until is None) == (action is Action.GRANT):
        raise SettingsError("guanxi deputies grant takes DEPUTY, MANAGER and --until, revoke takes both, list none.")
    return asyncio.run(_run(action, deputy, manager, until, as_json=as_json))


async def _run(action: Action, deputy_no: str, manager_no: str, until: datetime | None, *, as_json: bool) -> int:
    settings = Settings()
    async with open_store(settings) as store:
        match action:
            case Action.GRANT if until is not None:
                now = datetime.now(UTC)
                deputy = stored.Deputy(deputy_no, manager_no, until.date(), getpass.getuser(), now)
                return await _grant(settings, store, deputy)
            case Action.REVOKE:
                return await _revoke(settings, store, deputy_no, manager_no)
            case _:
                return await _list(store, as_json=as_json)


async def _grant(settings: Settings, store: Store, deputy: stored.Deputy) -> int:
    objection = stored.objection(deputy, deputy.granted_at.date())
    if objection is not None:
        raise SettingsError(objection[1])
    await stored.grant(store, deputy)
    named = {"deputy": deputy.deputy_no, "manager": deputy.manager_no, "until": str(deputy.until)}
    await record(settings, store, AuditAction.WRITE, "deputies grant", details=named)
    typer.echo(f"{deputy.deputy_no} sees the book of {deputy.manager_no} until {deputy.until}.")
    return 0


async def _revoke(settings: Settings, store: Store, deputy_no: str, manager_no: str) -> int:
    revoked = await stored.revoke(store, deputy_no, manager_no)
    named = {"deputy": deputy_no, "manager": manager_no}
    await record(settings, store, AuditAction.WRITE, "deputies revoke", details=named)
    if not revoked:
        typer.echo(f"{deputy_no} was no deputy of {manager_no}.")
        return 1
    typer.echo(f"{deputy_no} sees the book of {manager_no} no more.")
    return 0


async def _list(store: Store, *, as_json: bool) -> int:
    found = await stored.running(store, datetime.now(UTC).date())
    if as_json:
        typer.echo(json.dumps([asdict(deputy) for deputy in found], default=str, indent=1))
    for deputy in [] if as_json else found:
        typer.echo(
            f"{deputy.deputy_no} sees the book of {deputy.manager_no} until {deputy.until} "
            f"(granted by {deputy.granted_by})"
        )
    return 0
