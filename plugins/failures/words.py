"""The words that a plugin's code names."""

import ast
from collections.abc import Iterator
from contextlib import suppress

from plugins.loading import code_of


def words_of(source: str) -> frozenset[str]:
    """Return every text in the code of a plugin, by where it is from; none where that cannot be read."""
    found = set[str]()
    for file in code_of(source):
        with suppress(OSError, SyntaxError, ValueError):
            found |= set(_texts(ast.parse(file.read_bytes())))
    return frozenset(found)


def _texts(code: ast.AST) -> Iterator[str]:
    for node in ast.walk(code):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
