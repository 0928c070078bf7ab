"""``guanxi plugins hooks``: the reference of all hooks."""

import typer

from plugins.reference import markdown


def hooks() -> None:
    """Print what a plugin can add: every hook, and the values that it takes, as Markdown."""
    typer.echo(markdown(), nl=False)
