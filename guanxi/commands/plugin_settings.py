"""``guanxi plugins settings``, ``set`` and ``revert``: how a plugin is set, by whom, since when."""

import asyncio
import getpass
import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from graph import plugin_settings
from graph.audit_entries import AuditAction
from graph.errors import NotFound, PluginError, SettingsError
from graph.once import Request
from graph.plugin_settings import Change
from graph.store import Store
from guanxi.auditing import record
from guanxi.opening import open_store
from guanxi.plugin_loading import load_plugins
from guanxi.settings import Settings
from plugins.host import PluginHost
from plugins.infos import spelt
from plugins.settings import changing
from plugins.settings.changing import Asked

MOST: Final = 100
"""How many versions are told."""
MASK: Final = "********"

Name = Annotated[str, typer.Argument(help="The plugin's name.")]
Expected = Annotated[int | None, typer.Option(help="Refuse where another version is in force by now.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settings(plugin: Name, as_json: AsJson = False) -> int:
    """Print a plugin's settings: each value and where it comes from, the version, and what was set before."""

    async def show(_: Settings, store: Store, host: PluginHost) -> dict[str, Any]:
        return await _told(store, host, plugin)

    return _print(_run(show), as_json=as_json)


def set_(
    plugin: Name,
    values: Annotated[
        list[str] | None, typer.Argument(metavar="FIELD=VALUE…", help="JSON, or else text; with dots, nested.")
    ] = None,
    reset: Annotated[
        list[str] | None, typer.Option(help="A field that comes from elsewhere again; with dots, nested.")
    ] = None,
    expected: Expected = None,
    as_json: AsJson = False,
) -> int:
    """Set a plugin, now and for every server and command; no secret, which the environment alone can set."""
    given = _given(values or ())
    if not given and not reset:
        raise SettingsError("guanxi plugins set takes FIELD=VALUE, or --reset FIELD.")

    async def change(own: Settings, store: Store, host: PluginHost) -> dict[str, Any]:
        done = await changing.change(store, host, _asked(plugin, expected), given, reset or ())
        await _record(own, store, "set", done)
        return await _told(store, host, plugin)

    return _print(_run(change), as_json=as_json)


def revert(
    plugin: Name,
    version: Annotated[int, typer.Argument(min=0, help="As it was in this version; 0: with nothing set.")],
    expected: Expected = None,
    as_json: AsJson = False,
) -> int:
    """Set a plugin as it was in an earlier version."""

    async def change(own: Settings, store: Store, host: PluginHost) -> dict[str, Any]:
        done = await changing.revert(store, host, _asked(plugin, expected), version)
        await _record(own, store, "revert", done)
        return await _told(store, host, plugin)

    return _print(_run(change), as_json=as_json)


def _run(work: Callable[[Settings, Store, PluginHost], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        own = Settings()
        host = load_plugins(own)
        async with open_store(own) as store:
            return await work(own, store, host)

    return asyncio.run(run())


def _given(values: Sequence[str]) -> dict[str, Any]:
    """The settings of FIELD=VALUE, nested by dots."""
    given: dict[str, Any] = {}
    for pair in values:
        name, equals, text = pair.partition("=")
        if not name or not equals:
            raise SettingsError(f"{pair!r} is no FIELD=VALUE.")
        *outer, last = name.split(".")
        table = given
        for part in outer:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise SettingsError(f"{name!r} is within what has a value already.")
        table[last] = _value(text)
    return given


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _asked(plugin: str, expected: int | None) -> Asked:
    key = secrets.token_urlsafe(16)
    request = Request(hashlib.sha256(key.encode()).hexdigest(), key, key, datetime.now(UTC))
    return Asked(plugin, f"user {getpass.getuser()}", request, expected)


async def _record(own: Settings, store: Store, command: str, done: Change) -> None:
    details = {"plugin": done.plugin, "version": done.version}
    await record(own, store, AuditAction.WRITE, f"plugins {command}", details=details)


async def _told(store: Store, host: PluginHost, plugin: str) -> dict[str, Any]:
    try:
        name = host.named(plugin).name
    except NotFound as error:
        name = spelt(plugin, (info.name for info in host.plugins))
        broken = next((info for info in host.plugins if info.name == name and info.error), None)
        raise SettingsError(f"The plugin {plugin} is broken: {broken.error}") if broken else error from error
    stored = await plugin_settings.one(store, name)
    try:
        held, problem = host.settings_of(plugin, stored.settings), None
    except PluginError as error:
        held, problem = host.settings_of(plugin, {}), str(error)
    history = await plugin_settings.history(store, name, MOST)
    return {
        "plugin": name,
        "version": stored.version,
        "error": problem,
        "values": [asdict(own) | ({"value": MASK} if own.secret else {}) for own in held.told()],
        "history": [asdict(one) for one in history],
    }


def _print(told: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        typer.echo(json.dumps(told, default=str, ensure_ascii=False, indent=1))
        return 1 if told["error"] else 0
    typer.echo(f"{told['plugin']}, version {told['version']}")
    if told["error"]:
        typer.echo(f"broken: {told['error']}")
    for own in told["values"]:
        value = own["value"] if own["secret"] else json.dumps(own["value"], ensure_ascii=False)
        typer.echo(f"  {own['name']} = {value}   from {own['source']}")
    for one in told["history"]:
        again = f", as in version {one['reverted_to']}" if one["reverted_to"] is not None else ""
        typer.echo(
            f"version {one['version']}: {json.dumps(one['settings'], ensure_ascii=False)}   "
            f"{one['set_at']:%Y-%m-%d %H:%M:%S} UTC, by {one['set_by']}{again}"
        )
    return 1 if told["error"] else 0
