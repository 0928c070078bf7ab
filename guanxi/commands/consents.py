"""``guanxi consents``: what a customer said of being offered something, and what holds by it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, TypeAlias

import typer

from graph import customers
from graph.audit_entries import AuditAction
from graph.records import Consent, Customer
from graph.words import Channel, Purpose
from guanxi.auditing import record
from guanxi.days import AsOf, day
from guanxi.opening import open_store
from guanxi.settings import Settings
from recommenders.view import CustomerView

Holds: TypeAlias = Mapping[Purpose, Mapping[Channel, bool]]


def consents(
    customer_no: Annotated[str, typer.Argument(help="The customer's number.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_of: AsOf = None,
) -> None:
    """Tell what a customer consents to, by purpose and channel, and what he said of it, the latest first."""
    view = CustomerView(asyncio.run(_read(Settings(), customer_no)), day(as_of))
    holds = {purpose: {channel: view.consents_to(purpose, channel) for channel in Channel} for purpose in Purpose}
    history = view.consents[::-1]
    if as_json:
        told = {"holds": holds, "history": [asdict(said) for said in history]}
        typer.echo(json.dumps(told, default=str, indent=1))
    else:
        typer.echo("\n".join([*_held(holds), *map(_said, history)]))


async def _read(settings: Settings, customer_no: str) -> Customer:
    async with open_store(settings) as store:
        found = await customers.one(store, customer_no)
        await record(settings, store, AuditAction.READ, "consents", [customer_no])
    return found


def _held(holds: Holds) -> list[str]:
    return [
        f"{purpose:<10} {', '.join(f'{channel} {_answer(allowed)}' for channel, allowed in on.items())}"
        for purpose, on in holds.items()
    ]


def _said(said: Consent) -> str:
    when = f"{said.at:%Y-%m-%d %H:%M}" if said.at else "at first"
    by = said.source if said.recorded_by is None else f"{said.source}, {said.recorded_by}"
    return f"{when:<16} {said.purpose} on {said.channel or 'every channel'}: {_answer(said.granted)} ({by})"


def _answer(granted: bool) -> str:
    return "yes" if granted else "no"
