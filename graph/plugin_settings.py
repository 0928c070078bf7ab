"""What staff has set of plugins at run time: versions, each with who set it and when."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from graph.errors import KeyReused, NotFound, VersionConflict
from graph.once import CLAIM, Request, claimed, write_once
from graph.records import StoredSettings
from graph.store import Row, Store

WRITE: Final = f"""
MERGE (c:PluginSettings {{plugin: $plugin}})
ON CREATE SET c.version = 0, c.settings = '{{}}'
SET c.plugin = c.plugin
WITH c WHERE c.version = $expected
{CLAIM}
SET c.version = c.version + 1, c.settings = $settings
CREATE (:PluginSettingsChange {{change_id: $recorded_as, plugin: $plugin, version: c.version, settings: $settings,
  set_by: $set_by, set_at: $now, reverted_to: $reverted_to}})
"""
"""Setting the name to itself locks the plugin's settings before their version is read."""
ALL: Final = """
MATCH (s:PluginSettings) WHERE s.version > 0
RETURN s.plugin AS plugin, s.version AS version, s.settings AS settings ORDER BY plugin
"""
ONE: Final = """
MATCH (s:PluginSettings {plugin: $plugin})
RETURN s.plugin AS plugin, s.version AS version, s.settings AS settings
"""
HISTORY: Final = """
MATCH (h:PluginSettingsChange {plugin: $plugin})
RETURN properties(h) AS change ORDER BY h.version DESC SKIP $after LIMIT $most
"""
VERSION: Final = """
MATCH (h:PluginSettingsChange {plugin: $plugin, version: $version}) RETURN properties(h) AS change
"""
BY_ID: Final = "MATCH (h:PluginSettingsChange {change_id: $change_id}) RETURN properties(h) AS change"


@dataclass(frozen=True, slots=True)
class Change:
    """A version of a plugin's settings: all that is set, by whom, and the version that it is like if it reverts."""

    plugin: str
    version: int
    settings: Mapping[str, Any]
    set_by: str
    set_at: datetime
    reverted_to: int | None = None


async def every(store: Store) -> dict[str, StoredSettings]:
    """Return what is set at run time, by plugin."""
    return {row["plugin"]: _stored(row) for row in await store.read(ALL)}


async def one(store: Store, plugin: str) -> StoredSettings:
    """Return what is set of a plugin."""
    rows = await store.read(ONE, plugin=plugin)
    return _stored(rows[0]) if rows else StoredSettings(plugin)


async def history(store: Store, plugin: str, most: int, after: int = 0) -> list[Change]:
    """Return the latest versions, latest first, without so many of them."""
    return [_change(row) for row in await store.read(HISTORY, plugin=plugin, most=most, after=after)]


async def at(store: Store, plugin: str, version: int) -> Change:
    """Return a version.

    Raises:
        NotFound: there is none of that number.
    """
    rows = await store.read(VERSION, plugin=plugin, version=version)
    if not rows:
        raise NotFound("version", str(version))
    return _change(rows[0])


async def recorded(store: Store, request: Request) -> Change | None:
    """Return the version that a request has written before; None where it has not.

    Raises:
        KeyReused: its key stands for another input.
    """
    claim = await claimed(store, request)
    return await _by_id(store, claim["recorded_as"]) if claim else None


async def write(
    store: Store,
    before: StoredSettings,
    settings: str,
    set_by: str,
    request: Request,
    reverted_to: int | None = None,
) -> Change:
    """Write the version after one, once; ``settings`` is JSON text of all that is set.

    Raises:
        KeyReused: the request's key stands for another input.
        VersionConflict: somebody else has written one meanwhile.
    """
    claim = await write_once(
        store,
        request,
        WRITE,
        plugin=before.plugin,
        expected=before.version,
        settings=settings,
        set_by=set_by,
        reverted_to=reverted_to,
    )
    if claim is None:
        raise VersionConflict((await one(store, before.plugin)).version)
    return await _by_id(store, claim["recorded_as"])


async def _by_id(store: Store, change_id: str) -> Change:
    rows = await store.read(BY_ID, change_id=change_id)
    if not rows:
        raise KeyReused
    return _change(rows[0])


def _stored(row: Row) -> StoredSettings:
    return StoredSettings(row["plugin"], row["version"], json.loads(row["settings"]))


def _change(row: Row) -> Change:
    own = {name: value for name, value in row["change"].items() if name != "change_id"}
    return Change(**own | {"settings": json.loads(own["settings"])})
