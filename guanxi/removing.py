"""What commands that remove something for good have in common."""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from graph.errors import SettingsError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do not ask whether that is meant.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True)
class Removal:
    """How a removal was asked for."""

    dry_run: bool
    yes: bool
    as_json: bool

    def is_meant(self, found: "DataclassInstance", lines: Iterable[str], question: str) -> bool:
        """Print what was found, and return whether it is to go; asks where nobody has said so.

        Raises:
            SettingsError: nobody can be asked.
        """
        told = json.dumps({"dry_run": self.dry_run, **asdict(found)}, indent=1) if self.as_json else "\n".join(lines)
        typer.echo(told)
        if not self.dry_run and not self.yes:
            ask(question)
        return not self.dry_run


def ask(question: str) -> None:
    """Ask whether that is meant, and stop where it is not.

    Raises:
        SettingsError: nobody can be asked.
    """
    if not sys.stdin.isatty():
        raise SettingsError("Nobody can be asked whether that is meant: say --yes.")
    typer.confirm(question, abort=True)


def told_counts(parts: Mapping[str, int]) -> str:
    """Say how much of what there is, but for parts of which there is nothing."""
    return ", ".join(f"{part.replace('_', ' ')} {count:,}" for part, count in parts.items() if count)
