"""``guanxi stages``: notes each customer's lifecycle stage, and tells webhooks which have changed."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final, TypeAlias

import typer

from graph import customers
from graph import stages as noted_stages
from graph.audit_entries import AuditAction
from graph.stages import Change
from graph.store import Store
from graph.words import LifecycleStage
from guanxi.auditing import record
from guanxi.days import AsOf, day
from guanxi.opening import open_store
from guanxi.reporting import customer_bar
from guanxi.settings import Settings
from recommenders.view import CustomerView

Changes: TypeAlias = Counter[tuple[LifecycleStage | None, LifecycleStage]]

PAGE: Final = 1_000
ORDER: Final = {stage: place for place, stage in enumerate(LifecycleStage)}


def stages(as_of: AsOf = None) -> None:
    """Note each customer's lifecycle stage, and tell webhooks which have changed; run it daily, after load."""
    changes = asyncio.run(_run(Settings(), day(as_of)))
    first = sum(count for (before, _), count in changes.items() if before is None)
    if first:
        typer.echo(f"{first:,} customers are noted for the first time; nobody is told.")
    changed = {(before, after): count for (before, after), count in changes.items() if before is not None}
    for before, after in sorted(changed, key=lambda pair: (ORDER[pair[0]], ORDER[pair[1]])):
        typer.echo(f"{before} to {after}: {changed[before, after]:,}")
    if not changes:
        typer.echo("No stage has changed.")


async def _run(settings: Settings, today: date) -> Changes:
    async with open_store(settings) as store:
        with customer_bar(await customers.count(store)) as advance:
            return await note_stages(settings, store, today, advance)


async def note_stages(
    settings: Settings, store: Store, today: date, advance: Callable[[int], None] = lambda _: None
) -> Changes:
    """Note page by page, each whole or not at all, and count the changes; what a killed run left, the next does."""
    found: Changes = Counter()
    async for numbers in customers.pages(store, PAGE):
        changes = await _changes(store, numbers, today)
        if changes:
            await noted_stages.note(store, changes, today, datetime.now(UTC))
        found.update((change.before, change.after) for change in changes)
        advance(len(numbers))
    await record(settings, store, AuditAction.WRITE, "stages", details={"changed": found.total()})
    return found


async def _changes(store: Store, numbers: list[str], today: date) -> list[Change]:
    before = await noted_stages.noted(store, numbers)
    now = {record.customer_no: CustomerView(record, today).stage for record in await customers.load(store, numbers)}
    return [Change(no, before.get(no), stage) for no, stage in now.items() if before.get(no) != stage]
