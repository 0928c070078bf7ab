"""``guanxi plugins stage`` and ``rollback``: how far a plugin has come, put on another stage, or back."""

import asyncio
import getpass
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from graph.audit_entries import AuditAction
from graph.errors import SettingsError
from graph.plugin_stages import StageDecision
from graph.words import PluginStage
from guanxi.auditing import record
from guanxi.opening import open_store
from guanxi.plugin_loading import load_plugins
from guanxi.settings import Settings
from plugins.life.stages import Life
from plugins.life.staging import LONGEST_REASON, Order, Standing, is_reason, put, roll_back, standing

Name = Annotated[str, typer.Argument(help="The plugin, as `guanxi plugins` lists it.")]
ROLLED_BACK: Final = "rolled back"


def stage(
    name: Name,
    stage: Annotated[
        PluginStage | None, typer.Argument(help="Where it goes; without it, where it is and all that was decided.")
    ] = None,
    share: Annotated[int | None, typer.Option(help="With share: percent of the customers, from 1 to 99.")] = None,
    reason: Annotated[
        str, typer.Option(help=f"Why, which every change needs: 1 to {LONGEST_REASON} characters, which are kept.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Leave out the stages between.")] = False,
) -> int:
    """Put a plugin on a stage: draft, shadow, share, live or retired; servers follow within seconds."""
    return asyncio.run(_stage(name, None if stage is None else Life(stage, share), reason, force=force))


def rollback(name: Name, reason: Annotated[str, typer.Option(help="Why; it is kept.")] = ROLLED_BACK) -> int:
    """Put a plugin back on the stage before, and run again, on the one before that; servers follow within seconds."""
    return asyncio.run(_roll_back(name, reason))


async def _stage(name: str, then: Life | None, reason: str, *, force: bool) -> int:
    settings = Settings()
    async with open_store(settings) as store:
        there = await standing(store, load_plugins(settings).plugins, name, settings.new_plugins)
        if then is None:
            _tell(there)
            return 0
        if not there.decisions or there.now != then:
            _check_reason(reason)
        decision = await put(store, there, then, _order(reason), force=force)
        await record(settings, store, AuditAction.WRITE, "plugins stage", details=_details(decision))
    was = " already" if decision.version == there.version else f"; before, it was {there.now}"
    typer.echo(f"{there.plugin} is {then}{was}.")
    return 0


async def _roll_back(name: str, reason: str) -> int:
    settings = Settings()
    async with open_store(settings) as store:
        there = await standing(store, load_plugins(settings).plugins, name, settings.new_plugins)
        _check_reason(reason)
        decision = await roll_back(store, there, _order(reason))
        await record(settings, store, AuditAction.WRITE, "plugins rollback", details=_details(decision))
    typer.echo(f"{there.plugin} is {Life(decision.stage, decision.share)} again; before, it was {there.now}.")
    return 0


def _check_reason(reason: str) -> None:
    if not is_reason(reason):
        raise SettingsError(f"A reason is needed, and kept: --reason TEXT, of 1 to {LONGEST_REASON} characters.")


def _order(reason: str) -> Order:
    return Order(reason, f"user {getpass.getuser()}", datetime.now(UTC))


def _details(decision: StageDecision) -> dict[str, str | int]:
    return {
        "plugin": decision.plugin,
        "version": decision.version,
        "stage": str(Life(decision.stage, decision.share)),
    }


def _tell(there: Standing) -> None:
    typer.echo(f"{there}{'' if there.decisions else ', and nobody has decided on it'}.")
    for own in there.decisions:
        life = Life(own.stage, own.share)
        typer.echo(f"{own.version:>3} {own.decided_at:%Y-%m-%d %H:%M} {life!s:<14} {own.decided_by}: {own.reason}")
