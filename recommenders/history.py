"""Which artefacts there are, which is in force, and which were before it: the files ``current`` and ``history.jsonl``.

``current`` alone decides. The history is one line for each time that an artefact was put in force; where it ends with
another than ``current`` names, which a hand or a full disk may bring about, it is read as if a line told of that.
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

HISTORY: Final = "history.jsonl"
CURRENT: Final = "current"
MOST_LIVES: Final = 1_000

How: TypeAlias = Literal["trained", "promoted", "rolled back", "by hand"]


@dataclass(frozen=True, slots=True)
class Life:
    """An artefact was put in force: which, when, and by what."""

    model_id: str
    at: datetime
    how: How


def ids(models: Path) -> list[str]:
    """Return the ids of all artefacts, oldest first."""
    if not models.is_dir():
        return []
    return sorted(path.name for path in models.iterdir() if path.is_dir() and not path.name.startswith("."))


def current_id(models: Path) -> str | None:
    """Return the id of the artefact in force, without reading it; None where no file says so."""
    try:
        return (models / CURRENT).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None


def versions_in_force(models: Path) -> Mapping[str, str]:
    """Return the version of each recommender that the artefact in force learnt, by name; none where it says none."""
    return _told_in_force(models, "versions")


def texts_in_force(models: Path) -> Mapping[str, str]:
    """Return a digest of the text by which each recommender of the artefact in force learnt, by name, where told."""
    return _told_in_force(models, "training", "texts")


def _told_in_force(models: Path, *path: str) -> Mapping[str, str]:
    try:
        told = json.loads((models / str(current_id(models)) / "manifest.json").read_text(encoding="utf-8"))
        for name in path:
            told = told[name]
        return dict(told)
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def learnt_nothing(models: Path) -> Mapping[str, Mapping[str, str]]:
    """Return ``version`` and ``why`` of each recommender that learnt nothing in the last training, by name."""
    try:
        manifest = json.loads((models / ids(models)[-1] / "manifest.json").read_text(encoding="utf-8"))
        told = manifest["training"]["learnt_nothing"]
        return {str(name): {"version": str(one["version"]), "why": str(one["why"])} for name, one in told.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def put_in_force(models: Path, model_id: str, how: How) -> None:
    """Put an artefact in force; running servers take it up.

    Raises:
        OSError: it cannot be written; what was in force stays.
    """
    told = lives(models)
    fresh = models / f"{CURRENT}.new"
    fresh.write_text(model_id)
    fresh.replace(models / CURRENT)
    with suppress(OSError):  # then the history is as if a hand had changed ``current``
        _write(models, [*told, Life(model_id, datetime.now(UTC), how)])


def lives(models: Path) -> list[Life]:
    """Return what was ever put in force, oldest first; the last is in force, unless ``current`` names nothing."""
    found = _read(models)
    current = current_id(models)
    if current in ids(models) and (not found or found[-1].model_id != current):
        at = datetime.fromtimestamp((models / CURRENT).stat().st_mtime, UTC)
        found.append(Life(str(current), at, "by hand"))
    return found


def stack(told: Sequence[Life]) -> list[str]:
    """Return what rolling back goes through, the one in force last: a rollback takes off what lay above it."""
    found: list[str] = []
    for life in told:
        if life.how == "rolled back" and life.model_id in found:
            del found[len(found) - found[::-1].index(life.model_id) :]
        elif not found or found[-1] != life.model_id:
            found.append(life.model_id)
    return found


def previous(models: Path) -> str | None:
    """Return the id of what was in force before; None where nothing was."""
    return next(iter(stack(lives(models))[-2:-1]), None)


def _read(models: Path) -> list[Life]:
    try:
        lines = (models / HISTORY).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [life for line in lines if (life := _life(line)) is not None]


def _life(line: str) -> Life | None:
    try:
        told = json.loads(line)
        at = datetime.fromisoformat(told["at"])
        return Life(str(told["model"]), at, told["how"]) if told["how"] in get_args(How) and at.tzinfo else None
    except (ValueError, KeyError, TypeError):
        return None


def _write(models: Path, told: Sequence[Life]) -> None:
    fresh = models / f"{HISTORY}.new"
    lines = [
        json.dumps({"model": life.model_id, "at": life.at.isoformat(), "how": life.how}) for life in told[-MOST_LIVES:]
    ]
    with fresh.open("w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(models / HISTORY)
