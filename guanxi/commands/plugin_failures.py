"""``guanxi plugins failures`` and ``reproduce``: what plugins failed on where they run, and whether they still do."""

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from graph.errors import NotFound, SettingsError
from guanxi.plugin_loading import load_plugins
from guanxi.settings import Settings
from plugins.failures.failure import Failure
from plugins.failures.reports import files, folder_of, plugins_told, read
from plugins.infos import spelt


def failures(
    name: Annotated[str | None, typer.Argument(help="Of this plugin alone.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """List the failures that servers and commands of this home have reported, one line for each type and place."""
    settings = Settings()
    found = [(path, read(path)) for path in files(settings.failures_dir, name and _told_as(settings, name))]
    if as_json:
        typer.echo(json.dumps([_as_json(path, failure) for path, failure in found], indent=1))
        return 0
    for path, failure in found:
        owner = failure.owner or "nobody"
        typer.echo(f"{failure.at:%Y-%m-%d %H:%M}  {_named(failure)}  {failure.item}: {failure.place}")
        typer.echo(f"    for {owner}: guanxi plugins reproduce {path} PLUGIN")
    if not found:
        typer.echo(f"No failure{f' of {name}' if name else ''} is reported in {settings.failures_dir}.")
    return 0


def reproduce(
    report: Annotated[Path, typer.Argument(help="The report's file.")],
    path: Annotated[Path, typer.Argument(help="The plugin's .py file, or its package's folder.")],
) -> int:
    """Ask a plugin again on what it failed on, with made-up customers. Exit code 1: it fails, and is shown how."""
    failure = read(report)
    if not path.exists():
        raise SettingsError(f"There is no {path}.")
    from guanxi.reproducing import ask_again, left_open, shown

    settings = Settings()
    typer.echo(f"{failure.item} of {_named(failure)} failed: {failure.place}")
    try:
        ask_again(failure, path.resolve(), settings)
    except SettingsError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is what was asked for
        typer.echo(shown(error))
        return 1
    if failure.hook == "recommenders" and not failure.customers:
        typer.echo(f"It takes in what it learnt last; guanxi plugins check {path} --own-bank shows whether it learns.")
    else:
        typer.echo(f"It does not fail on what was reported; {left_open(failure, settings)}.")
    return 0


def _told_as(settings: Settings, name: str) -> str:
    """Return the name of a plugin that is loaded, or of which failures are told; ``-`` and ``_`` are the same.

    Raises:
        NotFound: there is none of that name; says which are near.
    """
    told = plugins_told(settings.failures_dir)
    if folder_of(settings.failures_dir, name).name in told:
        return name
    host = load_plugins(settings)
    host.close()
    names = sorted({*told, *(plugin.name for plugin in host.plugins)})
    found = spelt(name, names)
    if found not in names:
        raise NotFound("plugin", name, get_close_matches(name, names))
    return found


def _named(failure: Failure) -> str:
    """The plugin and its version; the one alone where it was too broken to say the other."""
    return failure.plugin if failure.version is None else f"{failure.plugin} {failure.version}"


def _as_json(path: Path, failure: Failure) -> dict[str, object]:
    keys = ("plugin", "version", "owner", "hook", "item", "api", "place", "said")
    return {"file": str(path), "at": failure.at.isoformat()} | {key: getattr(failure, key) for key in keys}
