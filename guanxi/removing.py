"""What commands that remove something for good have in common."""

import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from graph.errors import SettingsError
from graph.store import Store
from guanxi.opening import open_store, reach_store
from guanxi.settings import Settings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do not ask whether that is meant.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
UNASKED: Final = "Nobody can be asked whether that is meant: say --yes."


@dataclass(frozen=True, slots=True)
class Removal:
    """How a removal was asked for."""

    dry_run: bool
    yes: bool
    as_json: bool

    def store(self, settings: Settings) -> AbstractAsyncContextManager[Store]:
        """Open the store that the settings name; where nothing is to be removed, as it is: it is not migrated."""
        return reach_store(settings) if self.dry_run else open_store(settings)

    def is_meant(self, lines: Iterable[str], question: str) -> bool:
        """Return whether what lines tell is to go; tells them, and asks where nobody has said so.

        Raises:
            SettingsError: nobody can be asked, such as beside JSON.
        """
        if not self.as_json:
            typer.echo("\n".join(lines))
        if not self.dry_run and not self.yes:
            if self.as_json:
                raise SettingsError(UNASKED)
            ask(question)
        return not self.dry_run

    def tell(self, found: "DataclassInstance", done: str) -> None:
        """Say what was found as JSON, or else that it is gone, where it is."""
        if self.as_json:
            typer.echo(json.dumps({"dry_run": self.dry_run, **asdict(found)}, indent=1))
        elif not self.dry_run:
            typer.echo(done)


def ask(question: str) -> None:
    """Ask whether that is meant, and stop where it is not.

    Raises:
        SettingsError: nobody can be asked.
    """
    if not sys.stdin.isatty():
        raise SettingsError(UNASKED)
    typer.confirm(question, abort=True)


def told_counts(parts: Mapping[str, int]) -> str:
    """Say how much of what there is, but for parts of which there is nothing."""
    return ", ".join(f"{part.replace('_', ' ')} {count:,}" for part, count in parts.items() if count)
