"""``guanxi programmes``: the partner programmes, and the report for one's partner."""

import asyncio
import dataclasses
import json
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Final

import typer

from graph import contracts, products
from graph.errors import NotFound, SettingsError
from graph.programmes import programmes as read_programmes
from graph.records import Programme
from graph.terms import Terms
from guanxi.commands.programme_remove import remove
from guanxi.days import AsOf, day
from guanxi.opening import open_store
from guanxi.plugin_loading import load_plugins
from guanxi.settings import Settings
from plugins.partner_report import Counted, PartnerReport, partner_report

FEW: Final = "fewer than can be told"
NEW: Final = "not counted yet"

programmes = typer.Typer(add_completion=False)
programmes.command()(remove)


@programmes.callback(invoke_without_command=True)
def list_(context: typer.Context) -> None:
    """List programmes with contracts and what is used of them, write the report for a partner, or remove one."""
    if context.invoked_subcommand is None:
        found, taken = asyncio.run(_read(Settings()))
        for programme in found:
            partner = programme.partner.name if programme.partner else "no partner"
            typer.echo(f"{programme.programme_code:<16} {programme.kind:<10} {programme.name}, {partner}")
            if programme.terms is not None:
                typer.echo(f"{'':<16} {_contract(programme, programme.terms, taken.get(programme.programme_code, 0))}")


@programmes.command()
def report(
    code: Annotated[str, typer.Argument(help="The programme's code.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_of: AsOf = None,
) -> None:
    """Write the report for a programme's partner: rounded aggregates of whole months, told once for good."""
    if day(as_of) > day(None):
        raise SettingsError(f"--as-of {day(as_of)} is yet to come; a month that was told once is told so for good.")
    told = asyncio.run(_report(Settings(), code, as_of=day(as_of)))
    if as_json:
        periods = [dataclasses.asdict(own) | {"rate": own.rate} for own in told.taken_periods]
        typer.echo(json.dumps(dataclasses.asdict(told) | {"taken_periods": periods}, default=str, indent=1))
    else:
        typer.echo("\n".join(_lines(told)))


async def _read(settings: Settings) -> tuple[list[Programme], Mapping[str, int]]:
    """The programmes, and how many places are taken of those that have a contract."""
    async with open_store(settings) as store:
        found = await read_programmes(store)
        return found, await contracts.taken(store, found, await products.catalogue(store))


def _contract(programme: Programme, terms: Terms, taken: int) -> str:
    quota = f" of {terms.quota:,}" if terms.quota is not None else ""
    told = [
        f"{taken:,}{quota} places taken",
        f"{terms.cost * taken:,.2f} of {terms.budget:,.2f} spent" if terms.budget is not None else "",
        f"from {programme.starts_on}" if programme.starts_on else "",
        f"until {programme.ends_on}" if programme.ends_on else "",
        f"in {', '.join(terms.regions)}" if terms.regions else "",
        f"not beside {', '.join(terms.exclusive_of)}" if terms.exclusive_of else "",
        f"not on {', '.join(' to '.join(dict.fromkeys(map(str, days))) for days in terms.blackout)}"
        if terms.blackout
        else "",
    ]
    return "; ".join(part for part in told if part)


async def _report(settings: Settings, code: str, *, as_of: date) -> PartnerReport:
    host = load_plugins(settings)
    async with open_store(settings) as store:
        found = {programme.programme_code: programme for programme in await read_programmes(store)}
        if code not in found:
            raise NotFound("programme", code)
        return await partner_report(store, found[code], await products.catalogue(store), host, as_of)


def _lines(told: PartnerReport) -> list[str]:
    budget = f" of {told.budget:,.2f}" if told.budget is not None else ""
    quota = f"   (the quota is {told.quota:,} places)" if told.quota is not None else ""
    return [
        f"{told.name} ({told.programme_code}), up to {told.as_of}",
        f"members          {_count(told.members)}",
        *(line for counted in told.breakdowns for line in _groups(counted)),
        f"saw an offer     {_count(told.shown)}",
        *(f"  {own.since} – {own.until}   {own.shown:,}" for own in told.shown_periods),
        f"took one         {_count(told.taken)}{quota}",
        *(
            f"  {own.since} – {own.until}   {own.taken:,} of {own.shown:,}, {own.rate:.1%}"
            for own in told.taken_periods
        ),
        *([f"benefit spent    {told.spent:,.2f}{budget}"] if told.spent is not None else []),
    ]


def _groups(counted: Counted) -> list[str]:
    heading = f" by {counted.name}"
    if not counted.groups:
        return [f"{heading:<16} {FEW if counted.is_counted else NEW}"]
    return [heading, *(f"  {group.name:<30} {group.members:,}" for group in counted.groups)]


def _count(count: int | None) -> str:
    return FEW if count is None else f"{count:,}"
