"""``guanxi plugins schema``: the schema that a server serves, with what the loaded plugins add, for code generators."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from graph.errors import SettingsError
from guanxi.plugin_loading import load_plugins
from guanxi.settings import Settings


def schema(
    out: Annotated[Path | None, typer.Option(help="The file to write; without it, standard output.")] = None,
) -> int:
    """Print the GraphQL schema with the loaded plugins' fields. Exit code 1: one's are not in it, and why is said."""
    from api.schema import printed  # its libraries take seconds to import, and a list of plugins needs none

    logging.getLogger("guanxi.plugins").setLevel(logging.CRITICAL)  # what it would tell is told below
    host = load_plugins(Settings())
    text = printed(host)
    if out is None:
        typer.echo(text, nl=False)
    else:
        _write(out, text)
    wrong = [plugin for plugin in host.plugins if plugin.error is not None]
    for plugin in wrong:
        typer.echo(f"Without the plugin {plugin.name}, from {plugin.source}: {plugin.error}", err=True)
    return 1 if wrong else 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.") from error
