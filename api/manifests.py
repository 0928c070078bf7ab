"""Manifests of registered operations: JSON that clients' build tools write, and ``guanxi documents register`` too.

GraphQL Code Generator and Relay write ``{id: text}``; Apollo writes ``{"format": "apollo-persisted-query-manifest",
"version": 1, "operations": [{"id": …, "body": …}]}``.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from graph.errors import SettingsError


def read_manifests(path: Path) -> dict[str, str]:
    """Return the texts of a manifest, or of all in a folder, by their ids.

    Raises:
        SettingsError: one cannot be read, is none, or gives an id another text; or there is none.
    """
    texts = dict[str, str]()
    for file in _files(path):
        for key, text in read_manifest(file).items():
            if texts.setdefault(key, text) != text:
                raise SettingsError(f"{file} gives {key!r} another text than a manifest before it.")
    if not texts:
        raise SettingsError(f"{path} has no registered operations; guanxi documents register writes them.")
    return texts


def read_manifest(file: Path) -> dict[str, str]:
    """Return the texts of a manifest by their ids.

    Raises:
        SettingsError: it cannot be read, or is none.
    """
    try:
        texts = _texts(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, LookupError, TypeError) as error:
        raise SettingsError(f"{file} is no manifest of persisted documents.") from error
    if not all(isinstance(part, str) for pair in texts.items() for part in pair):
        raise SettingsError(f"{file} is no manifest of persisted documents.")
    return texts


def stamp(path: Path) -> list[tuple[str, int, int]]:
    """Return what changes when a manifest, or one in a folder, is written anew."""
    with suppress(FileNotFoundError):
        return [(file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in _files(path)]
    return []


def write_manifest(file: Path, texts: Mapping[str, str]) -> None:
    """Write a manifest, whole or not at all."""
    draft = file.with_name(f".{file.name}.draft")
    draft.write_text(json.dumps(dict(sorted(texts.items())), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(file)


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def _texts(manifest: Any) -> dict[str, str]:
    if "format" in manifest and manifest["format"] == "apollo-persisted-query-manifest":
        return {operation["id"]: operation["body"] for operation in manifest["operations"]}
    return dict(manifest)
