"""``guanxi plugins forget``: what is kept of a plugin that is gone goes as well."""

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Final

import typer

from graph import plugin_traces
from graph.audit_entries import AuditAction
from graph.errors import SettingsError, meant
from graph.store import Store
from guanxi.auditing import record
from guanxi.holding_back import held_in
from guanxi.plugin_loading import load_plugins
from guanxi.removing import AsJson, DryRun, Removal, Yes, told_counts
from guanxi.settings import Settings
from plugins.claims import is_shipped
from plugins.failures.reports import files, folder_of, plugins_told
from plugins.host import PluginHost
from plugins.infos import SHIPPED, spelt
from plugins.loading import ENTRY_POINT

REPORTS: Final = "failure_reports"
STAYS: Final = (
    "It stays: what the audit log says of it, for nothing is taken out of that; outcomes of its offers, which are "
    "customers' history; what it is set to in files and the environment; models that learnt with it, until guanxi "
    "train has made newer ones; failure reports in the homes of other servers."
)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a plugin that is gone.

    Attributes:
        parts: how much of what.
        freed: products that are held back for want of it alone, and will not be.
    """

    plugin: str
    parts: dict[str, int]
    freed: Sequence[str]


def forget(
    name: Annotated[str, typer.Argument(help="The plugin, which is not loaded any more.")],
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove what is kept of a plugin that is gone: settings, stages, counts, jobs, failure reports and claims.

    Take it out of every server first. Its products are held back until then, and ordinary afterwards.
    """
    settings = Settings()
    host = load_plugins(settings)
    host.close()
    asyncio.run(_forget(settings, host, name, Removal(dry_run, yes, as_json)))


async def _forget(settings: Settings, host: PluginHost, name: str, removal: Removal) -> None:
    async with removal.store(settings) as store:
        kept = await _kept(settings, store, host, name)
        if removal.is_meant(_lines(kept), f"Forget {kept.plugin} for good?"):
            details = {"plugin": kept.plugin, **kept.parts}
            await record(settings, store, AuditAction.WRITE, "plugins forget", details=details)
            _remove_reports(settings, kept.plugin)
            await plugin_traces.forget(store, kept.plugin, waive=is_shipped(kept.plugin))
    removal.tell(kept, f"{kept.plugin} is forgotten.")


def _remove_reports(settings: Settings, plugin: str) -> None:
    try:
        with suppress(FileNotFoundError):
            shutil.rmtree(folder_of(settings.failures_dir, plugin))
    except OSError as error:
        raise SettingsError(
            f"{error.filename} cannot be removed ({error.strerror}): {plugin} is not forgotten yet."
        ) from error


async def _kept(settings: Settings, store: Store, host: PluginHost, asked: str) -> Kept:
    held = await held_in(store, settings, host)
    loaded = {plugin.name: plugin for plugin in host.plugins}
    known = {*await plugin_traces.known(store), *plugins_told(settings.failures_dir)}
    name = spelt(asked, [*loaded, *known])
    if name in loaded:
        raise SettingsError(
            f"The plugin {name} is there, from {loaded[name].source}: {_way_out(loaded[name].source)}, and then forget "
            "it."
        )
    if name not in known:
        near = get_close_matches(name, known - loaded.keys())
        raise SettingsError(f"Nothing is kept of a plugin {name!r}.{meant(near)}")
    parts = await plugin_traces.count(store, name)
    parts[REPORTS] = len(list(files(settings.failures_dir, name)))
    still = await held_in(store, settings, host, forgotten=name)
    freed = sorted({own.product_code for own in held} - {own.product_code for own in still})
    return Kept(name, {part: count for part, count in parts.items() if count}, freed)


def _way_out(source: str) -> str:
    if source == SHIPPED:
        return "leave it out by GUANXI_WITHOUT"
    return "uninstall it, or leave it out by GUANXI_WITHOUT" if source.startswith(ENTRY_POINT) else "take it out"


def _lines(kept: Kept) -> Iterator[str]:
    yield f"What is kept of {kept.plugin} goes: {told_counts(kept.parts)}."
    if kept.freed:
        yield (
            "Held back so far, and ordinary from then on, offered to whomever the bank's own gates let, without the "
            f"plugin's: {', '.join(kept.freed)}."
        )
    yield STAYS
