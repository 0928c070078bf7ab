"""``guanxi segments``: groups of customers who are alike."""

import json
from typing import Annotated

import typer

from graph.words import Language
from guanxi.deciding import model_in_force
from guanxi.settings import Settings
from recommenders.artefact import Model
from recommenders.insight import Segment


def segments(
    language: Annotated[Language, typer.Option(help="Of the names and profiles.")] = Language.EN,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Describe the segments of the model in force. Exit code 1 where there are none."""
    settings = Settings()
    model = model_in_force(settings)
    found = (
        sorted(model.segments.described, key=lambda segment: int(segment.code[1:])) if model and model.segments else []
    )
    if as_json:
        typer.echo(json.dumps([_plain(segment, language) for segment in found], indent=1, ensure_ascii=False))
    elif found:
        typer.echo("\n".join(line for segment in found for line in _lines(segment, language)))
    else:
        typer.echo(f"There are no segments: {_why_none(model)}.")
    return 0 if found else 1


def _plain(segment: Segment, language: Language) -> dict[str, object]:
    profile = [text[language] for text in segment.profile]
    return {"code": segment.code, "name": segment.name[language], "share": segment.share, "profile": profile}


def _lines(segment: Segment, language: Language) -> list[str]:
    head = f"{segment.code}  {segment.share:4.0%}  {segment.name[language]}"
    return [head, *(f"          {text[language]}" for text in segment.profile)]


def _why_none(model: Model | None) -> str:
    if model is None:
        return "there is no model; run guanxi train"
    if model.ranker is None:
        return "nobody has opened anything to learn from"
    return str(model.ranker.card.get("segments", {}).get("why_none", "the model has none; run guanxi train"))
