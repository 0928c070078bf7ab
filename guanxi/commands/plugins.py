"""``guanxi plugins``: what is loaded, and in what state; a new one to begin with; what one would do once it is live."""

import dataclasses
import json
import logging
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Final

import typer

from graph.words import PluginStage
from guanxi.commands import plugin_failures, plugin_settings
from guanxi.commands.plugin_card import card
from guanxi.commands.plugin_evaluate import evaluate
from guanxi.commands.plugin_forget import forget
from guanxi.commands.plugin_hooks import hooks
from guanxi.commands.plugin_schema import schema
from guanxi.commands.plugin_stages import rollback, stage
from guanxi.plugin_listing import lines, list_plugins
from guanxi.scaffolding import Size, write_plugin
from guanxi.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NEW: Final = {
    PluginStage.DRAFT: "draft: no offer of it is made",
    PluginStage.SHADOW: "shadow: it is asked, and no offer changes",
    PluginStage.LIVE: "live: it decides of every customer",
}
"""What is said of a plugin on which nobody has decided, by where new ones begin."""
MARKS: Final = {True: "ok  ", False: "FAIL", None: "    "}

plugins = typer.Typer(add_completion=False)
plugins.command()(card)
plugins.command()(hooks)
plugins.command()(schema)
plugins.command()(evaluate)
for command in (plugin_failures.failures, plugin_failures.reproduce, stage, rollback, forget):
    plugins.command()(command)


@plugins.callback(invoke_without_command=True)
def list_(context: typer.Context, as_json: AsJson = False) -> int:
    """List the plugins, write a new one, or check one. Exit code 1 when one is broken, or fails a check.

    The list is of plugins as they are loaded here and now, each with state and stage; how they fare in a server, that
    server tells (the query plugins, and metrics), and what they failed on, guanxi plugins failures.
    """
    if context.invoked_subcommand is not None:
        return 0
    found = list_plugins(Settings())
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(plugin) for plugin in found], indent=1))
    else:
        for line in lines(found):
            typer.echo(line)
    return 1 if any(plugin.state == "broken" for plugin in found) else 0


plugins.command("settings")(plugin_settings.settings)
plugins.command("set")(plugin_settings.set_)
plugins.command("revert")(plugin_settings.revert)


@plugins.command()
def new(
    name: Annotated[str, typer.Argument(help="Lower case, with hyphens, as in graduate-mortgage.")],
    size: Annotated[
        Size,
        typer.Option(help="A function; a class that learns; a package with gates and bundles of its own."),
    ] = Size.FUNCTION,
    into: Annotated[
        Path,
        typer.Option(
            help="Folder to write into; what is written into one of GUANXI_PLUGINS is loaded at once, on the stage of "
            "GUANXI_NEW_PLUGINS."
        ),
    ] = Path(),
) -> int:
    """Write a folder with a plugin to begin with, a test of it that passes, its README and pyproject.toml."""
    settings, own = Settings(), into / name
    for path in write_plugin(name, size, into):
        typer.echo(path)
    typer.echo(f"Next: pytest {own} && guanxi plugins check {own}")
    for line in _into_service(name, into.resolve(), settings):
        typer.echo(line)
    return 0


def _into_service(name: str, folder: Path, settings: Settings) -> Iterator[str]:
    """Yield how a new plugin gets from its folder to customers, stage by stage."""
    new = settings.new_plugins
    if folder in [watched.resolve() for watched in settings.plugins]:
        yield f"{folder} is in GUANXI_PLUGINS: servers load it at once, and it is {NEW[new]} (GUANXI_NEW_PLUGINS)."
    else:
        safe = ", with GUANXI_NEW_PLUGINS=shadow; without that it is live at once" if new is PluginStage.LIVE else ""
        yield f"Then: where servers run, put {folder} into GUANXI_PLUGINS{safe}."
    yield f'Stage by stage: guanxi plugins stage {name} shadow --reason "…"; then share --share 20, then live.'


@plugins.command()
def check(
    plugin: Annotated[
        str,
        typer.Argument(
            metavar="PATH|NAME",
            help="The plugin's file or folder, or the name of one that is installed or in a folder of GUANXI_PLUGINS.",
        ),
    ],
    customers: Annotated[int, typer.Option(min=50, help="Size of the sample bank it is run over.")] = 400,
    own: Annotated[bool, typer.Option("--own-bank", help="Run it over the bank's own store and model.")] = False,
    jobs: Annotated[bool, typer.Option("--jobs", help="Run its jobs, too, once each, whatever they do.")] = False,
    as_json: AsJson = False,
) -> int:
    """Run a plugin over a bank: does it keep the contract, and what would it change? Exit code 1: it fails a check."""
    # the engine's libraries take seconds to import, and a list needs none of them
    from guanxi.bank import Bank
    from guanxi.checking import check_ends, check_plugin, to_check
    from guanxi.enduring import enduring
    from guanxi.findings import Finding
    from guanxi.testing.drawn import sample_bank

    logging.getLogger("guanxi.plugins").setLevel(logging.CRITICAL)  # what it would tell is found and told
    settings, findings = Settings(), list[Finding]()
    found = to_check(plugin, settings.plugins)
    with (
        enduring() as ends,
        Bank(settings) if own else sample_bank(customers, of=found, isolation=settings.isolation) as bank,
    ):
        if not own:
            bank.train()
        for finding in chain(check_plugin(bank, found, run_jobs=jobs), check_ends(ends, found, findings)):
            findings.append(finding)
            if not as_json:
                typer.echo(f"{MARKS[finding.passed]} {finding.check}: {finding.told}")
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=1))
    return 1 if ends or any(finding.passed is False for finding in findings) else 0
