"""The words that a plugin's code names."""

import ast
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from plugins.loading import place_of


def words_of(source: str) -> frozenset[str]:
    """Return every text in the code of a plugin, by where it is from; none where that cannot be read."""
    found = set[str]()
    for file in _files(source):
        with suppress(OSError, SyntaxError, ValueError):
            found |= set(_texts(ast.parse(file.read_bytes())))
    return frozenset(found)


def _texts(code: ast.AST) -> Iterator[str]:
    for node in ast.walk(code):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _files(source: str) -> list[Path]:
    path = place_of(source)
    if path is None or not path.is_dir():
        return [] if path is None else [path]
    return [
        file for file in path.rglob("*.py") if not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
