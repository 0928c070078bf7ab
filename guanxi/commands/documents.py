"""``guanxi documents``: the operations that a server with trusted documents runs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from api.manifests import read_manifest, write_manifest
from api.registration import faults, read_operations
from api.schema import build_schema
from graph.errors import SettingsError
from guanxi.plugin_loading import load_plugins
from guanxi.settings import Settings

MANIFEST: Final = Path("trusted-documents.json")


class Action(StrEnum):
    """What is done with documents."""

    REGISTER = "register"


def documents(
    _: Annotated[Action, typer.Argument(metavar="register", help="Add an app's operations to the manifest.")],
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR|FILE...",
            help="Folders of .graphql files, such files, or manifests (JSON) of GraphQL Code Generator, Relay or "
            "Apollo.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="The manifest; what is registered there stays, for app versions that are about.")
    ] = MANIFEST,
) -> int:
    """Register an app's operations. Exit code 2, and nothing written: one is not valid, or beyond a limit."""
    settings = Settings()
    before = read_manifest(out) if out.exists() else {}
    found = read_operations(paths)
    if not found:
        raise SettingsError("There is no operation in what was given.")
    wrong = faults(build_schema(load_plugins(settings))._schema, found, settings.limit)
    for line in wrong:
        typer.echo(line, err=True)
    if wrong:
        return 2
    write_manifest(out, before | found)
    new = len(found.keys() - before.keys())
    typer.echo(f"{len(found)} operations, {new} of them new, in {out}; serve with GUANXI_TRUSTED_DOCUMENTS={out}")
    return 0
