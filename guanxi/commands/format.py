"""``guanxi format``: the documentation of the bank directory."""

import typer

from loaders.documentation import markdown


def format_() -> None:
    """Print the documentation of the bank directory, as Markdown."""
    typer.echo(markdown())
