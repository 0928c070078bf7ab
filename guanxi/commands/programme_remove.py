"""``guanxi programmes remove``: a programme that is over goes from the store."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated

import typer

from graph import programme_traces
from graph.audit_entries import AuditAction
from graph.errors import NotFound, SettingsError
from graph.programmes import programmes
from graph.records import Programme
from graph.store import Store
from guanxi.auditing import record
from guanxi.days import day
from guanxi.plugin_loading import load_plugins
from guanxi.reading import read_lives
from guanxi.removing import AsJson, DryRun, Removal, Yes, told_counts
from guanxi.settings import Settings
from plugins.claims import claimants

STAYS = (
    "It stays: holdings, accounts, cards and interactions of its customers, and outcomes of its offers, which are the "
    "bank's history; what the audit log says of it. Take it out of the bank's files, too, or the next load brings it "
    "back, and empty the programme_code of products and cards that stay, or the next load rejects them."
)


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of a programme.

    Attributes:
        parts: how much of what goes.
        products: what stays of its products, as customers have, or had, something of them.
        named_by: programmes whose contracts exclude its partner, who stays for that.
    """

    programme: str
    parts: dict[str, int]
    products: Sequence[str]
    named_by: Sequence[str]


def remove(
    code: Annotated[str, typer.Argument(help="The programme's code.")],
    dry_run: DryRun = False,
    yes: Yes = False,
    despite_running: Annotated[
        bool, typer.Option("--despite-running", help="Even while it runs; else it is refused.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a programme: contract, memberships, products that nobody has used, and what its partner was told.

    The partner goes with his last programme, unless another's contract excludes him. What customers have of its
    products stays; these are offered to nobody.
    """
    asyncio.run(_remove(Settings(), code, Removal(dry_run, yes, as_json), despite=despite_running))


async def _remove(settings: Settings, code: str, removal: Removal, *, despite: bool) -> None:
    async with removal.store(settings) as store:
        known = {programme.programme_code: programme for programme in await programmes(store)}
        parts = {part: count for part, count in (await programme_traces.count(store, code)).items() if count}
        if not parts:
            raise NotFound("programme", code, get_close_matches(code, known))
        if code in known and not (removal.dry_run or despite):
            await _refuse_running(settings, store, known[code])
        found = Found(
            code, parts, await programme_traces.staying(store, code), await programme_traces.excluding(store, code)
        )
        if removal.is_meant(_lines(found), f"Remove {code} for good?"):
            details = {"programme": code, **parts}
            await record(settings, store, AuditAction.WRITE, "programmes remove", details=details)
            await programme_traces.remove(store, code)
    removal.tell(found, f"{code} is removed.")


async def _refuse_running(settings: Settings, store: Store, programme: Programme) -> None:
    """Stop where the programme is not over, and a plugin that serves its kind decides, or none ever served it."""
    if programme.ends_on is not None and programme.ends_on < day(None):
        return
    host = load_plugins(settings)
    host.close()
    serving = (await claimants(store, host)).get(("kind", programme.kind), ())
    if serving and not (await read_lives(store, settings)).deciding(host).intersection(serving):
        return
    until = f"until {programme.ends_on}" if programme.ends_on else "without an end"
    raise SettingsError(
        f"The programme {programme.programme_code} runs {until}: load it with an ends_on that is past, or leave "
        "out or retire its plugin, or say --despite-running."
    )


def _lines(found: Found) -> Iterator[str]:
    yield f"What there is of {found.programme} goes: {told_counts(found.parts)}."
    if found.products:
        yield f"Products of which customers have something stay, for nobody else: {', '.join(found.products)}."
    if found.named_by:
        yield (
            "Its partner stays, also in the bank's files, as exclusive_of names him in the contract of: "
            f"{', '.join(found.named_by)}."
        )
    yield STAYS
