"""What commands that remove something for good have in common."""

import sys
from collections.abc import Mapping

import typer

from graph.errors import SettingsError


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
