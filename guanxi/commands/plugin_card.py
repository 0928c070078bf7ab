"""``guanxi plugins card``: how a plugin does, beside its own holdout."""

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from guanxi.opening import open_store
from guanxi.plugin_loading import load_plugins
from guanxi.settings import Settings
from plugins.life.staging import standing

if TYPE_CHECKING:
    from graph.plugin_outcomes import Side
    from plugins.life.score_cards import ScoreCard


def card(
    name: Annotated[str, typer.Argument(help="The plugin, as `guanxi plugins` lists it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Show a plugin's score card: shown and taken in its share and in its holdout, and what it did in shadow.

    What is of fewer than 20 is not told. How it fares in a server, that server tells (the query pluginScoreCard).
    """
    found = asyncio.run(_card(name))
    typer.echo(json.dumps(_plain(found), indent=1) if as_json else "\n".join(_lines(found)))
    return 0


async def _card(name: str) -> "ScoreCard":
    from plugins.life.score_cards import score_card  # its libraries take long to import

    settings = Settings()
    async with open_store(settings) as store:
        there = await standing(store, load_plugins(settings).plugins, name, settings.new_plugins)
        return await score_card(store, there)


def _plain(found: "ScoreCard") -> dict[str, Any]:
    plain = dataclasses.asdict(found)
    life, decision = plain.pop("life"), plain.pop("decision")
    since = decision and decision["decided_at"].isoformat()
    plain["counted_since"] = found.counted_since and found.counted_since.isoformat()
    for name, side in (("share", found.share), ("holdout", found.holdout)):
        if side is not None:
            plain[name]["rate"] = side.rate
    head = {"plugin": plain.pop("plugin"), "stage": life["stage"], "percent": life["share"], "since": since}
    return head | plain


def _lines(found: "ScoreCard") -> Iterator[str]:
    since = f" since {found.decision.decided_at:%Y-%m-%d %H:%M}" if found.decision else ", and nobody has decided on it"
    yield f"{found.plugin} is {'gone; it was ' if found.is_gone else ''}{found.life}{since}."
    if found.counted_since:
        yield f"Of offers since {found.counted_since:%Y-%m-%d %H:%M}:"
    yield f"share    {_side(found.share)}"
    yield f"holdout  {_side(found.holdout)}"
    if lift := found.lift:
        times = "" if lift.ratio is None else f", {lift.ratio:.2f} times"
        points = [f"{100 * own:+.1f}" for own in (lift.difference, lift.low, lift.high)]
        yield f"lift     {points[0]} points (95 %: {points[1]} to {points[2]}){times}"
    if counts := found.counts:
        yield f"asked    {counts.asked:,}, proposed {counts.proposed:,}, among the best {counts.best:,}"
        yield f"failed   {counts.failures:,}, passed over {counts.passed_over:,}"
    else:
        yield "asked    fewer than 20 times"
    if foreseen := found.foreseen:
        yield f"shadow   for {foreseen.customers:,} customers, {foreseen.takers:,} of whom opened it since"


def _side(side: "Side | None") -> str:
    if side is None:
        return "fewer than 20 customers"
    return f"{side.customers:,} customers, {side.shown:,} shown, {side.taken:,} taken ({side.rate:.1%})"
