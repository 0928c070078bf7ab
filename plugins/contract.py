"""What plugins add beside recommenders, gates and bundles: fields, commands, jobs and formats, as plain values.

None of them knows GraphQL, the command line's library or the server: what stands above turns them into its own.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from loaders.sources import Source

On: TypeAlias = Literal["Customer", "Product", "Programme"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the GraphQL schema.

    Attributes:
        on: the type that has it.
        name: its name without the plugin's prefix, as Python writes names.
        type: what it gives: a scalar, an enumeration, a frozen dataclass of such, or a tuple or ``| None`` of one.
        resolve: gives it; called with a ``CustomerView``, a ``Product`` or a programme's code.
        description: what front-end teams read.
    """

    on: On
    name: str
    type: Any
    resolve: Callable[[Any], Any]
    description: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the command line: ``run`` is a function with typed parameters, or where to import one from.

    ``run`` is ``module:function`` for a command whose libraries take long to import.
    """

    name: str
    help: str
    run: Callable[..., Any] | str


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is done again and again, by one server at a time."""

    name: str
    help: str
    every: timedelta
    run: Callable[[Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Format:
    """A way in which a bank's files are written; ``open`` reads a folder of such."""

    name: str
    help: str
    open: "Callable[[Path], Source]"
