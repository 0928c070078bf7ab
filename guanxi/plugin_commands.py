"""The commands of the command line, by the hook ``commands``: the shipped ones, and those of plugins."""

import traceback
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import typer
from pydantic import ValidationError
from typer.core import TyperCommand

from graph.errors import SettingsError
from guanxi.plugin_loading import load_plugins
from guanxi.settings import Settings
from plugins.contract import Command, imported
from plugins.failures.telling import told
from plugins.host import COMMAND_PLUGINS, PluginHost
from plugins.infos import SHIPPED, PluginInfo

PANEL: Final = "Commands of plugins"


@cache
def shipped_commands() -> Mapping[str, Command]:
    """Return our own commands by their names."""
    host = PluginHost()
    for module in COMMAND_PLUGINS:
        host.add(module, module.__name__.rpartition(".")[2], SHIPPED)
    return {item.name: item for item, _ in host.of("commands")}


@cache
def command_host() -> PluginHost:
    """Return the plugins as the command line needs them: none of what the engine is made of is imported."""
    return load_plugins(Settings(), COMMAND_PLUGINS)


def plugin_commands() -> Mapping[str, tuple[Command, PluginInfo]]:
    """Return the commands of plugins by their names; none where the settings cannot be read, which is said later."""
    try:
        host = command_host()
    except (ValidationError, SettingsError):
        return {}
    return {item.name: (item, info) for item, info in host.of("commands") if info.source != SHIPPED}


def listed(command: Command, panel: str | None = None) -> TyperCommand:
    """Return a command for the help alone: what it runs is not imported."""
    return TyperCommand(command.name, help=command.help, rich_help_panel=panel)


def made(command: Command) -> Any:
    """Return a command to be run, imported; raises whatever importing it does."""
    run = imported(command.run)
    if isinstance(run, typer.Typer):
        return typer.main.get_command(run)
    alone = typer.Typer(add_completion=False)
    alone.command(command.name, help=command.help if run.__doc__ is None else None)(run)
    return typer.main.get_command(alone)


def tell_failure(info: PluginInfo, error: Exception) -> None:
    """Say in one line which plugin's command failed; in development, where, too."""
    if Settings().development:
        traceback.print_exception(error)
    typer.echo(f"The plugin {info.name} failed: {told(error)}", err=True)


def broken() -> str:
    """Say which plugins are broken, and so have no commands; empty where none is."""
    names = [info.name for info in command_host().plugins if info.state == "broken"]
    return f"Broken, and without commands: {', '.join(names)}; guanxi plugins says why." if names else ""
