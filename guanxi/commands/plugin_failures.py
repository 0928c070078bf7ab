"""``guanxi plugins failures`` and ``reproduce``: what plugins failed on where they run, and whether they still do."""

import json
import traceback
from pathlib import Path
from typing import Annotated

import typer

from graph.errors import SettingsError
from guanxi.settings import Settings
from plugins.failures.failure import Failure
from plugins.failures.reports import files, read


def failures(
    name: Annotated[str | None, typer.Argument(help="Of this plugin alone.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """List the failures that servers and commands of this home have reported, one line for each type and place."""
    found = [(path, read(path)) for path in files(Settings().failures_dir, name)]
    if as_json:
        typer.echo(json.dumps([_as_json(path, failure) for path, failure in found], indent=1))
        return 0
    for path, failure in found:
        owner = failure.owner or "nobody"
        typer.echo(f"{failure.at:%Y-%m-%d %H:%M}  {failure.plugin} {failure.version}  {failure.item}: {failure.place}")
        typer.echo(f"    for {owner}: guanxi plugins reproduce {path} PLUGIN")
    if not found:
        typer.echo(f"No failure is reported in {Settings().failures_dir}.")
    return 0


def reproduce(
    report: Annotated[Path, typer.Argument(help="The report's file.")],
    path: Annotated[Path, typer.Argument(help="The plugin's .py file, or its package's folder.")],
) -> int:
    """Ask a plugin again on what it failed on, with made-up customers. Exit code 1: it fails, and is shown how."""
    failure = read(report)
    if not path.exists():
        raise SettingsError(f"There is no {path}.")
    from guanxi.reproducing import ask_again, left_open

    typer.echo(f"{failure.item} of {failure.plugin} {failure.version} failed: {failure.place}")
    try:
        ask_again(failure, path.resolve(), Settings())
    except SettingsError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is what was asked for
        typer.echo("".join(traceback.format_exception(error)))
        return 1
    typer.echo(f"It does not fail on what was reported; {left_open(failure)}.")
    return 0


def _as_json(path: Path, failure: Failure) -> dict[str, object]:
    keys = ("plugin", "version", "owner", "hook", "item", "api", "place", "said")
    return {"file": str(path), "at": failure.at.isoformat()} | {key: getattr(failure, key) for key in keys}
