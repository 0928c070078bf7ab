"""``guanxi sample``: a bank to try things on."""

from pathlib import Path
from typing import Annotated

import typer

from guanxi.plugin_loading import load_plugins
from guanxi.settings import Settings
from plugins.samples import write_sample


def sample(
    directory: Annotated[Path, typer.Argument(help="Folder to make; it must not exist.")],
    customers: Annotated[int, typer.Option(min=1, help="How many customers.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bank.")] = 1,
) -> None:
    """Write a sample bank: persons, families, firms, students and retailers, in the bank directory format."""
    settings = Settings()
    host = load_plugins(settings)
    write_sample(directory, customers, seed, host=host)
    typer.echo(f"{directory}: a bank of {customers:,} customers. Next: guanxi load {directory}")
