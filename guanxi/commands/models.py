"""``guanxi models``: which models there are, what they are, and which of them is live."""

import asyncio
import json
import random
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from graph import customers
from graph.errors import ModelError, SettingsError
from guanxi.days import day
from guanxi.opening import open_store
from guanxi.settings import Settings
from recommenders import artefact
from recommenders.ablation import Ablation
from recommenders.card import Card
from recommenders.features import changes, learn_schema
from recommenders.history import Life, ids, lives, previous
from recommenders.purposes import without
from recommenders.view import CustomerView

SAMPLE: Final = 1_000
PAGE: Final = 10_000
FEATURES_SHOWN: Final = 10


class Action(StrEnum):
    """What is done with models."""

    LIST = "list"
    SHOW = "show"
    PROMOTE = "promote"
    ROLLBACK = "rollback"


def models(
    action: Annotated[
        Action,
        typer.Argument(
            help="list; show a card, of the live model or of ID; promote ID: make it live; rollback: make that live "
            "which was so before."
        ),
    ] = Action.LIST,
    model_id: Annotated[str | None, typer.Argument(metavar="ID", help="A model, as list names it.")] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="With show: whether the customers' columns are still what the model has learnt."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With list or show: print JSON.")] = False,
) -> int:
    """List models, show one, or say which is live. Exit code 1: one is broken, or --check found a change."""
    settings = Settings()
    takes, needs = {Action.PROMOTE, Action.SHOW}, {Action.PROMOTE}
    if action not in takes if model_id is not None else action in needs:
        raise SettingsError("guanxi models promote takes the ID of a model, show may take one, list and rollback none.")
    match action:
        case Action.LIST:
            return _list(settings, as_json=as_json)
        case Action.SHOW:
            return _show(settings, model_id, check=check, as_json=as_json)
        case _:
            return _change(settings, model_id)


def _list(settings: Settings, *, as_json: bool) -> int:
    folder = settings.models_dir
    rows = [_row(settings, model_id) for model_id in ids(folder)]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
    elif not rows:
        typer.echo(f"There is no model in {folder}; guanxi train makes one.")
    for row in [] if as_json else rows:
        told = f"broken: {row['broken']}" if row["broken"] else _line(row)
        typer.echo(f"{row['id']:<22} {row['state']:<10} {told}")
    return 1 if any(row["broken"] for row in rows) else 0


def _fault(settings: Settings, model_id: str) -> str | None:
    return artefact.fault(settings.models_dir, model_id, confined=settings.purpose_limits.kinds)


def _row(settings: Settings, model_id: str) -> dict[str, Any]:
    folder = settings.models_dir
    life = next((life for life in reversed(lives(folder)) if life.model_id == model_id), None)
    is_live = model_id == artefact.current_id(folder)
    row: dict[str, Any] = {
        "id": model_id,
        "state": "live" if is_live else "before it" if model_id == previous(folder) else "",
        "live_since": life.at.isoformat(timespec="seconds") if life and is_live else None,
        "broken": _fault(settings, model_id),
    }
    if row["broken"] is None:
        card = artefact.read_card(folder, model_id)
        trained_at = card.trained_at.isoformat(timespec="seconds") if card.trained_at else None
        row |= {"as_of": card.as_of.isoformat(), "trained_at": trained_at, "map@7": card.headline}
    return row


def _line(row: dict[str, Any]) -> str:
    figure = "MAP@7 not measured" if row["map@7"] is None else f"MAP@7 {row['map@7']:.4f}"
    since = f"   live since {row['live_since']}" if row["live_since"] else ""
    return f"as of {row['as_of']}   trained {row['trained_at'] or 'unknown'}   {figure}{since}"


def _show(settings: Settings, model_id: str | None, *, check: bool, as_json: bool) -> int:
    folder = settings.models_dir
    shown = model_id or artefact.current_id(folder)
    if shown is None:
        raise ModelError(f"No model is live in {folder}; guanxi train makes one.")
    card = artefact.read_card(folder, shown)
    own = [life for life in lives(folder) if life.model_id == shown]
    fault = _fault(settings, shown)
    found = asyncio.run(_changed(settings, shown)) if check and not fault else []
    if as_json:
        told = card.as_json() | {"live": shown == artefact.current_id(folder), "broken": fault}
        typer.echo(json.dumps(told | ({"changed": found} if check else {}), indent=1, ensure_ascii=False))
    else:
        typer.echo("\n".join(_told(card, own, is_live=shown == artefact.current_id(folder))))
        for line in [f"broken: {fault}; run guanxi train"] if fault else found:
            typer.echo(line)
        if check and not fault and not found:
            typer.echo("The customers' columns are what the model has learnt.")
    return 1 if found or fault else 0


def _told(card: Card, own: list[Life], *, is_live: bool) -> list[str]:
    data, moments = card.data, card.data.get("moments", 0)
    lines = [
        f"Model {card.model_id}" + (f", live since {_moment(own[-1].at)}" if is_live and own else ""),
        f"  trained      {_moment(card.trained_at)}, as of {card.as_of}, in {sum(card.seconds.values()):.1f} s",
        f"  data         {data.get('customers', 0):,} customers, {data.get('holdings', 0):,} holdings of "
        f"{data.get('products', 0)} products, opened from {data.get('first')} to {data.get('last')}",
        f"  looks ahead  {card.period_months} months, learnt at {moments} moments of the past"
        if card.period_months
        else f"  looks ahead  to the next opening, learnt by hiding holdings in {moments} folds of customers",
        f"  with         {', '.join(f'{name} {version}' for name, version in card.recommenders.items()) or 'nothing'}",
        f"  without      {', '.join(card.protected) or 'no column is shut out'}",
        f"  confined     {', '.join(card.purpose_limits) or 'nothing: it may have learnt of all'}",
    ]
    if card.judged:
        spell = f" from {card.judged['from']} to {card.judged['until']}" if card.judged["from"] else ""
        lines.append(f"  measured on  {card.judged['examples']:,} customers who opened something{spell}")
    lines += [f"    {name:<34} {value:.4f}" for name, value in card.metrics.items()]
    lines += _lost(card.ablation) if card.ablation else []
    if card.stack:
        lines.append("  stack        " + ", ".join(f"{name} {weight:g}" for name, weight in card.stack.items()))
    lines.append(f"  features     {card.feature_count}, in {card.rounds.get('pairs', 0)} rounds of boosting")
    lines += [f"    {name:<34} {share:6.1%}" for name, share in list(card.features.items())[:FEATURES_SHOWN]]
    lines += ["  limits", *(f"    {limit}" for limit in card.limits)]
    return [*lines, *(["  history"] if own else []), *(f"    {_moment(life.at)} {life.how}" for life in own)]


def _lost(ablation: Ablation) -> list[str]:
    told = {f"{group} exchanged": fall for group, fall in ablation.groups.items()}
    told |= {f"without {member}": fall for member, fall in ablation.members.items()}
    lines = [f"    {name:<34} {fall:.4f}" for name, fall in told.items()]
    return [f"  ablation     on {ablation.examples:,} of them map@7, {ablation.whole:.4f}, falls by", *lines]


def _moment(at: datetime | None) -> str:
    return "unknown" if at is None else f"{at:%Y-%m-%d %H:%M:%S %Z}"


def _change(settings: Settings, model_id: str | None) -> int:
    folder = settings.models_dir
    before = artefact.current_id(folder)
    if model_id is not None and model_id == before and _fault(settings, model_id) is None:
        typer.echo(f"{model_id} is live already.")
        return 0
    confined = settings.purpose_limits.kinds
    model = (
        artefact.roll_back(folder, confined=confined)
        if model_id is None
        else artefact.promote(folder, model_id, confined=confined)
    )
    typer.echo(f"Live: {model.model_id}, as of {model.as_of}; before it {before}. Servers take it up within seconds.")
    if model_id is not None and before is not None:
        typer.echo("To go back: guanxi models rollback")
    return 0


async def _changed(settings: Settings, model_id: str) -> list[str]:
    """Compare the columns of a random sample of customers with those the model has learnt."""
    ranker = artefact.read(settings.models_dir, model_id).ranker
    if ranker is None:
        return []
    async with open_store(settings) as store:
        numbers = [number async for page in customers.pages(store, PAGE) for number in page]
        sample = random.Random(0).sample(numbers, min(SAMPLE, len(numbers)))  # noqa: S311 - nothing secret
        records = await customers.load(store, sample)
    views = [CustomerView(without(record, settings.purpose_limits.kinds), day(None)) for record in records]
    learnt = ranker.schema
    return changes(learnt, learn_schema(views, learnt.product_codes, learnt.recommenders, protected=learnt.protected))
