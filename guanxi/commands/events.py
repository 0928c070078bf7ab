"""``guanxi events``: notes what happened in customers' lives, and tells webhooks, once."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from typing import Final

import typer

from graph import customers
from graph import life_events as noted_events
from graph.audit_entries import AuditAction
from graph.life_events import Noting
from graph.outbox import life_event
from graph.store import Store
from guanxi.auditing import record
from guanxi.days import AsOf, day
from guanxi.deciding import model_in_force
from guanxi.opening import open_store
from guanxi.plugin_loading import load_plugins
from guanxi.reading import read_catalogue, read_lives
from guanxi.reporting import customer_bar
from guanxi.settings import Settings
from guanxi.stored_settings import take_stored
from plugins.failures.storing import telling
from plugins.host import PluginHost
from plugins.life_events import Happening, happenings
from recommenders.batch import Batch
from recommenders.contract import Context
from recommenders.insight import Insight
from recommenders.telling import learnt_of

PAGE: Final = 1_000
TOLD: Final = timedelta(days=60)
"""How old an event may be when it is found: a month's activity comes after the month."""


def events(as_of: AsOf = None) -> None:
    """Note what happened in customers' lives, and tell webhooks of each event once; run it daily, after load."""
    told = asyncio.run(_run(Settings(), day(as_of)))
    first = told.pop(None, 0)
    if first:
        typer.echo(f"{first:,} customers are looked at for the first time; nobody is told.")
    for code in sorted(filter(None, told)):
        typer.echo(f"{code}: {told[code]:,}")
    if not told and not first:
        typer.echo("Nothing new has happened.")


async def _run(settings: Settings, today: date) -> Counter[str | None]:
    async with open_store(settings) as store:
        with customer_bar(await customers.count(store)) as advance:
            return await note_events(settings, store, await take_stored(store, load_plugins(settings)), today, advance)


async def note_events(
    settings: Settings,
    store: Store,
    host: PluginHost,
    today: date,
    advance: Callable[[int], None] = lambda _: None,
) -> Counter[str | None]:
    """Note page by page, each whole or not at all, and count what is told, by code; under None, who is new."""
    found: Counter[str | None] = Counter()
    catalogue, lives = await read_catalogue(store, settings), await read_lives(store, settings)
    model = cache(partial(model_in_force, settings))

    def tell(batch: Batch) -> Sequence[Insight]:
        return learnt_of(model()).tell(batch)

    async with telling(store, host.reports.counts):
        async for numbers in customers.pages(store, PAGE):
            before, now = await noted_events.noted(store, numbers), datetime.now(UTC)
            seen = Batch.of(await customers.load(store, numbers), catalogue, Context(today, None), tell=tell).told
            notings = []
            for customer in seen:
                host.wait()
                own, happened = before.get(customer.customer_no), happenings(host, lives, customer, today - TOLD, today)
                after, new = _after(own, happened, today)
                found.update([None] if own is None else [happening.code for happening in new])
                if after != own:
                    told = [life_event(customer.customer_no, happening.code, happening.on, now) for happening in new]
                    notings.append(Noting(customer.customer_no, own, after, told))
            if notings:
                await noted_events.note(store, notings, now)
            advance(len(numbers))
    told_of = sum(count for code, count in found.items() if code is not None)
    await record(settings, store, AuditAction.WRITE, "events", details={"told": told_of})
    return found


def _after(before: str | None, happened: Sequence[Happening], today: date) -> tuple[str, list[Happening]]:
    """Return what is noted next, without what is too old to come again, and what of it is to be told."""
    known = set((before or "").split())
    marks = {f"{happening.code}|{happening.on}": happening for happening in happened}
    recent = {mark for mark in known if mark.rpartition("|")[2] >= str(today - TOLD)}
    new = [] if before is None else [marks[mark] for mark in marks if mark not in known]
    return " ".join(sorted(recent | set(marks))), new
