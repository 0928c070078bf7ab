"""What plugins add beside recommenders, gates and bundles: fields, commands, jobs and formats, as plain values.

None of them knows GraphQL, the command line's library or the server: what stands above turns them into its own.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from graph.errors import PluginError
from graph.records import Members

if TYPE_CHECKING:
    from loaders.sources import Source

NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LEAST_EVERY: Final = timedelta(minutes=1)

On: TypeAlias = Literal["Customer", "Product", "Programme"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the GraphQL schema.

    Attributes:
        on: the type that has it.
        name: its name without the plugin's prefix, as Python writes names.
        type: what it gives: a scalar, an enumeration, a frozen dataclass of such, or a tuple or ``| None`` of one.
        resolve: gives it; called with a ``CustomerView``, a ``Product`` or a programme's code. Further parameters, each
            with a type, a description (``Annotated[int, "How many."]``) and a default, are the field's arguments.
        description: what front-end teams read.
        for_customers: whether it is shown to others than the bank's staff: to the customer himself, and on products
            and programmes to all who see them.
        cost: what it costs a caller beside the objects it gives, each of which costs 1.
    """

    on: On
    name: str
    type: Any
    resolve: Callable[..., Any]
    description: str
    for_customers: bool = False
    cost: int = 5


@dataclass(frozen=True, slots=True)
class Facts:
    """A type of what reasons say, for front ends.

    Attributes:
        type: a frozen dataclass that is described, as those that fields give; ``facts`` of a ``Proposal`` is one of it.
    """

    type: type


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the command line.

    Attributes:
        name: what is typed after ``guanxi``: lower case, with hyphens.
        help: one sentence, for ``guanxi --help``.
        run: a function with typed parameters, as typer reads them, or a ``typer.Typer`` of several; or
            ``module:function``, for a command whose libraries take long to import. An integer that it returns is the
            exit code.
    """

    name: str
    help: str
    run: Any

    def __post_init__(self) -> None:
        check_name(self.name, "command")
        if not callable(self.run) and ":" not in str(self.run):
            raise PluginError(f"the command {self.name!r} has {self.run!r} to run, which is no function")


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is done again and again, by one server at a time, in a process of its own.

    Attributes:
        name: lower case, with hyphens.
        help: one sentence, for ``guanxi jobs``.
        every: from one start to the next; a minute or more.
        run: a plain function that is called with the bank, a ``guanxi.Bank``; or ``module:function``. What it raises is
            recorded, and it is tried again at its next time.
        most: how long one run may take, from where it is called, before its process is killed.
        by_default: whether it runs where ``GUANXI_JOBS`` says nothing of it.
    """

    name: str
    help: str
    every: timedelta
    run: Callable[[Any], object] | str
    most: timedelta = timedelta(hours=1)
    by_default: bool = True

    def __post_init__(self) -> None:
        check_name(self.name, "job")
        if inspect.iscoroutinefunction(self.run) or not (callable(self.run) or ":" in self.run):
            raise PluginError(f"the job {self.name!r} has {self.run!r} to run, which is no plain function")
        if self.every < LEAST_EVERY or self.most < timedelta(seconds=1):
            raise PluginError(f"the job {self.name!r} runs every minute at most, and has a second at least")


@dataclass(frozen=True, slots=True)
class Format:
    """A way in which a bank's files are written.

    Attributes:
        name: what ``--format`` is given: lower case, with hyphens.
        help: one sentence, for ``guanxi load --help``.
        open: called with the folder, gives its tables. Further keyword parameters are options of the format, given as
            ``--option name=value``; each has a type and a default.
    """

    name: str
    help: str
    open: "Callable[..., Source]"

    def __post_init__(self) -> None:
        check_name(self.name, "format")
        wrong = [name for name, option in self.options.items() if option.default is option.empty]
        if wrong:
            raise PluginError(f"the format {self.name!r} has an option {wrong[0]!r} without a default")

    @property
    def options(self) -> Mapping[str, inspect.Parameter]:
        """What it can be told beside the folder, by name."""
        parameters = inspect.signature(self.open, eval_str=True).parameters
        return {name: option for name, option in parameters.items() if option.kind is option.KEYWORD_ONLY}


def imported(run: Any) -> Any:
    """Return what a command or a job runs, from where it is named as ``module:function``; raises as importing does."""
    if not isinstance(run, str):
        return run
    module, _, name = run.partition(":")
    return getattr(import_module(module), name)


def check_name(name: object, what: str) -> None:
    """Return if it is a name that can be typed.

    Raises:
        PluginError: it is not.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise PluginError(f"{name!r} is no name of a {what}: lower case, with hyphens, as in hospital-card")


@dataclass(frozen=True, slots=True)
class Breakdown:
    """How the report for partners counts the members of programmes of a kind, beside what every report has.

    Attributes:
        kind: the kind of programme.
        name: what is counted, such as ``roles``.
        group: the group of members on a day, in a few words; groups that are too small are not told.
    """

    kind: str
    name: str
    group: Callable[[Members, date], str]
