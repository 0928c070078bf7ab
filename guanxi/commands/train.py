"""``guanxi train``: models from the graph."""

import asyncio
import sys
from datetime import date

import typer
from rich.console import Console
from rich.progress import Progress

from graph import products
from graph.errors import ModelError
from guanxi.days import AsOf, day
from guanxi.opening import open_store
from guanxi.settings import Settings
from plugins.host import PluginHost
from recommenders.artefact import Model, load_current, save
from recommenders.catalogue import Catalogue
from recommenders.training import Trained
from recommenders.training import train as learn

PARTS = ("Churn", "Demand", "Segments")
NOTHING = "nobody has opened anything to learn from"


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
    for line in told(trained.model):
        typer.echo(line)
    typer.echo("Took " + ", ".join(f"{part} {seconds:.2f} s" for part, seconds in trained.seconds.items()) + ".")
    typer.echo(f"In force: {path}")


def told(model: Model) -> list[str]:
    """Return a line each of churn, demand and segments: how good they are, or why there are none."""
    card = model.ranker.card if model.ranker else {}
    churn, demand, segments = (card.get(name, {"why_none": NOTHING}) for name in ("churn", "demand", "segments"))
    lines = [f"{what}: {of['why_none']}." for what, of in zip(PARTS, (churn, demand, segments), strict=True)
             if "why_none" in of]  # fmt: skip
    if "why_none" not in churn:
        lines.append(
            f"Churn: {churn['rate']:.2%} are lost within {churn['horizon_months']} months; AUC {churn['auc']:.3f}, the "
            f"likeliest tenth {churn['lift_10']:.1f} times as often, on {churn['judged_by']}."
        )
    if "why_none" not in demand:
        errors = ", ".join(f"{name} {error:.2f}" for name, error in demand["mae"].items()) or demand["why_untried"]
        lines.append(f"Demand: by {demand['method']}, from {demand['months']} months; mean error a month: {errors}.")
    if "why_none" not in segments:
        best = segments["tried"][str(segments["segments"])]
        lines.append(
            f"Segments: {segments['segments']}, stable to {best['stability']:.2f}, silhouette {best['silhouette']:.2f}."
        )
    return sorted(lines)


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
                before=_before(settings),
                progress=lambda part, read: bars.update(task, description=f"customers read: {part}", completed=read),
            )


def _before(settings: Settings) -> Model | None:
    """Return the model in force, whose segments keep their names; a broken one keeps nothing."""
    try:
        return load_current(settings.models_dir)
    except ModelError:
        return None
