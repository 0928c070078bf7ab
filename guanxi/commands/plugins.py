"""``guanxi plugins``: what is loaded, from where, and in what state."""

import dataclasses
import json
from typing import Annotated

import typer

from guanxi.settings import Settings
from plugins.host import PluginHost


def plugins(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> int:
    """List the plugins. Exit code 1 when one is broken."""
    found = PluginHost.load(Settings().plugins).plugins
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(plugin) for plugin in found], indent=1))
    else:
        for plugin in found:
            names = ", ".join(plugin.recommenders) or "no recommender"
            typer.echo(f"{plugin.name:<16} {plugin.state:<7} {plugin.error or names}   from {plugin.source}")
    return 1 if any(plugin.state == "broken" for plugin in found) else 0
