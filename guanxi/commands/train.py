"""``guanxi train``: models from the graph."""

import asyncio
import sys
from datetime import date

import typer
from rich.console import Console
from rich.progress import Progress

from graph import products
from guanxi.days import AsOf, day
from guanxi.opening import open_store
from guanxi.settings import Settings
from plugins.host import PluginHost
from recommenders.artefact import save
from recommenders.catalogue import Catalogue
from recommenders.training import Trained
from recommenders.training import train as learn


def train(as_of: AsOf = None) -> None:
    """Learn from the graph and put the new model in force, under GUANXI_HOME/models."""
    settings = Settings()
    trained = asyncio.run(_train(settings, day(as_of)))
    path = save(settings.models_dir, trained.model)
    learnt = trained.model.learnt_from
    typer.echo(
        f"Learnt from {learnt['holdings']:,} holdings of {learnt['customers']:,} customers and {learnt['products']} "
        f"products, opened from {learnt['first']} to {learnt['last']}, as of {trained.model.as_of}."
    )
    typer.echo("Took " + ", ".join(f"{part} {seconds:.2f} s" for part, seconds in trained.seconds.items()) + ".")
    typer.echo(f"In force: {path}")


async def _train(settings: Settings, today: date) -> Trained:
    async with open_store(settings) as store:
        catalogue = Catalogue(await products.catalogue(store))
        host = PluginHost.load(settings.plugins)
        with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
            task = bars.add_task("customers read", total=None)
            return await learn(
                store,
                catalogue,
                host.recommenders(),
                today,
                guard=host.guard,
                protected=settings.protected,
                progress=lambda part, read: bars.update(task, description=f"customers read: {part}", completed=read),
            )
