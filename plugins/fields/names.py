"""The names of plugins' fields and types, as Python and GraphQL write them."""

import re
from collections.abc import Sequence
from typing import Final

from graph.errors import PluginError

NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
TYPE_NAME: Final = re.compile(r"[A-Z][A-Za-z0-9]*")
VALUE_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")


def camel(name: str) -> str:
    """Return a name of Python as GraphQL writes it."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def check_name(name: object, what: str) -> str:
    """Return a name as it is.

    Raises:
        PluginError: it is none that GraphQL can have.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise PluginError(f"{what} is named {name!r}: a name has small letters, digits and single underscores")
    return name


def check_distinct(names: Sequence[str], what: str) -> None:
    """Return if no two names are the same once GraphQL writes them.

    Raises:
        PluginError: two are.
    """
    written = [camel(name) for name in names]
    twice = next((name for name in written if written.count(name) > 1), None)
    if twice is not None:
        raise PluginError(f"{what} has two named {twice!r}")
