"""``guanxi train``: models from the graph."""

import asyncio
import signal
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated

import typer

from guanxi.days import AsOf, day
from guanxi.insight_lines import insight_lines
from guanxi.opening import open_store
from guanxi.plugin_loading import load_plugins
from guanxi.reading import read_catalogue, read_lives
from guanxi.reporting import reading_bar
from guanxi.settings import Settings
from guanxi.stored_settings import take_stored
from guanxi.training import keep, learn, live_model
from plugins.claims import held_back
from plugins.failures.storing import telling
from plugins.host import PluginHost
from recommenders.artefact import Model
from recommenders.comparing import MARGIN, Comparison
from recommenders.training import Trained


class Promote(StrEnum):
    """When a new model is put in force by itself."""

    ALWAYS = "always"
    BETTER = "better"
    NEVER = "never"


def train(
    as_of: AsOf = None,
    promote: Annotated[
        Promote,
        typer.Option(
            help=f"When to put the new model in force: better is unless its MAP@7 is more than {MARGIN:.0%} below "
            "the live model's. The first always is."
        ),
    ] = Promote.BETTER,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 where a recommender learnt nothing, with the same model.")
    ] = False,
) -> int:
    """Learn from the graph and put the new model in force, under GUANXI_HOME/models.

    Where a plugin fails in learning, the last lines say so, and the exit code stays 0: the bank's model must not wait.
    """
    settings = Settings()
    live = live_model(settings)
    # asyncio's own handler would cancel what waits, and wait for a plugin that never ends learning.
    signal.signal(signal.SIGINT, lambda *at: signal.default_int_handler(*at))
    trained, notes = asyncio.run(_train(settings, day(as_of), live))
    why_not = None if live is None else _why_not(promote, live, trained.comparison)
    kept = keep(settings, trained.model, why_not)
    learnt = trained.model.learnt_from
    typer.echo(
        f"Learnt from {learnt['holdings']:,} holdings of {learnt['customers']:,} customers and {learnt['products']} "
        f"products, opened from {learnt['first']} to {learnt['last']}, as of {trained.model.as_of}."
    )
    for line in insight_lines(trained.model.ranker.card if trained.model.ranker else {}):
        typer.echo(line)
    typer.echo("Took " + ", ".join(f"{part} {seconds:.2f} s" for part, seconds in trained.seconds.items()) + ".")
    if trained.comparison is not None:
        typer.echo(_compared(trained.comparison))
    for line in notes:
        typer.echo(line)
    typer.echo(kept)
    return 1 if strict and trained.model.training["learnt_nothing"] else 0


def _why_not(promote: Promote, live: Model, comparison: Comparison | None) -> str | None:
    if promote is Promote.NEVER:
        return f"not asked for; {live.model_id} stays."
    return comparison.why_worse if promote is Promote.BETTER and comparison is not None else None


def _compared(comparison: Comparison) -> str:
    if comparison.candidate is None and comparison.live is None:
        return f"Not compared with the live model {comparison.live_id}: {comparison.on}."
    one, other = [
        "not measured" if figure is None else f"{figure:.4f}" for figure in (comparison.candidate, comparison.live)
    ]
    return f"MAP@7 {one}, of the live model {comparison.live_id} {other}: on {comparison.on}."


async def _train(settings: Settings, today: date, live: Model | None) -> tuple[Trained, list[str]]:
    """Learn; beside what was learnt come lines on what a plugin that is missing, or learnt nothing, means."""
    async with open_store(settings) as store:
        host = await take_stored(store, load_plugins(settings))
        catalogue = await read_catalogue(store, settings)
        lives = await read_lives(store, settings)
        async with telling(store, host.reports.counts):
            with reading_bar() as progress:
                trained = await learn(settings, store, catalogue, host, lives.unranked(host), today, live, progress)
        held = map(str, held_back(catalogue, host, lives.live(host)))
        return trained, [*held, *_without(host, trained.model)]


def _without(host: PluginHost, model: Model) -> Iterator[str]:
    owners = {recommender.name: info.name for recommender, info in host.of("recommenders")}
    for name, told in model.training["learnt_nothing"].items():
        yield (
            f"Learnt nothing: {name} of plugin {owners[name]}: {told['why']}. It has no say until it is mended; "
            "guanxi plugins check PATH --own-bank has it learn anew, and shows the whole error."
        )
