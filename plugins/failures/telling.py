"""A plugin's failure, told: what it says may quote a customer, and its type and place do not."""

import functools
import traceback
from collections.abc import Sequence
from concurrent.futures import _base as futures
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from graph.errors import NotLearnt, PluginError
from plugins.failures.plugin_code import is_of_guanxi, is_of_plugin
from plugins.texts import utf8

E = TypeVar("E", bound=Exception)

CALLING: Final = Path(__file__).parents[1]
"""Has what imports, calls and checks plugins, and folders of shipped ones."""
CALLING_PARTS: Final = ("", "failures", "fields", "isolation", "life", "settings")
LEARNING: Final = ("artefact", "contract", "known_customers", "portfolio", "training")
ASKED: Final = (
    "guanxi/enduring.py",
    "loaders/sample_village.py",
    *(f"recommenders/{name}.py" for name in ("sight", *LEARNING)),
)
"""What plugins ask, or are asked by, and fail in."""
ASKING: Final = frozenset({Path(futures.__file__), Path(functools.__file__), *(CALLING.parent / own for own in ASKED)})
OURS: Final = frozenset(CALLING / part for part in CALLING_PARTS)
PROCESS_ENDED: Final = "ProcessEnded"
PROTOCOL_ERROR: Final = "ProtocolError"
"""What is said of a plugin's process that answers no more, or what nobody asked."""
ROW: Final = "guanxi_row"
"""The attribute by which an error says for which customer of a batch it was raised."""
OWN: Final = "guanxi_own"
"""The attribute by which an error that guanxi raises says what is wrong, in words that quote nothing."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A line of code that an error came through."""

    file: str
    line: int
    function: str


class Foreign(Exception):
    """An error that was raised in another process.

    Attributes:
        kind: its type's name there.
        frames: the lines that it came through there, the last one last.
        row: place in the batch of the customer that it was raised for; None where nobody knows.
        ends: the process that raised it is of no more use.
        own: what guanxi says of it itself, in words that quote nobody; None where it says nothing.
    """

    def __init__(
        self,
        kind: str,
        said: str,
        frames: Sequence[Frame] = (),
        row: int | None = None,
        *,
        ends: bool = False,
        own: str | None = None,
    ) -> None:
        super().__init__(said)
        self.kind = kind
        self.frames = tuple(frames)
        self.row = row
        self.ends = ends
        self.own = own


def as_told(error: BaseException) -> dict[str, Any]:
    """Return an error as JSON can tell it to another process; ``foreign`` makes it an error again."""
    frames = [[frame.file, frame.line, frame.function] for frame in frames_of(error)]
    ends = isinstance(error, MemoryError)
    told = {"kind": kind_of(error), "said": text_of(error), "frames": frames, "row": row_of(error), "ends": ends}
    return told | {"own": own_words(error)}


def foreign(told: Any) -> Foreign:
    """Return the error that a process told of; raises LookupError, TypeError or ValueError where that is none."""
    frames = [Frame(str(file), int(line), str(function)) for file, line, function in told["frames"]]
    ends, own = bool(told["ends"]), told.get("own")
    own = None if own is None else str(own)
    return Foreign(str(told["kind"]), str(told["said"]), frames, told["row"], ends=ends, own=own)


def kind_of(error: BaseException) -> str:
    """Return the name of an error's type, where it was raised."""
    return error.kind if isinstance(error, Foreign) else type(error).__name__


def frames_of(error: BaseException) -> tuple[Frame, ...]:
    """Return the lines that an error came through, the last one last.

    That is the last one of a plugin: what it is given, or calls, fails by what it does there. Where none is a plugin's,
    neither are those that call plugins.
    """
    if isinstance(error, Foreign):
        return error.frames
    found = list(traceback.extract_tb(error.__traceback__))
    own = [place for place, frame in enumerate(found) if is_of_plugin(frame.filename)]
    if own:
        del found[own[-1] + 1 :]
    while found and _is_ours(found[-1].filename):
        found.pop()
    frames = [Frame(Path(frame.filename).name, frame.lineno or 0, frame.name) for frame in found]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append(Frame(Path(error.filename).name, error.lineno or 0, "<module>"))
    return tuple(frames)


def _is_ours(file: str) -> bool:
    return file.startswith("<frozen ") or Path(file) in ASKING or Path(file).parent in OURS


def ours(error: E, said: str | None = None) -> E:
    """Have an error that guanxi raises tell what is wrong: in these words, or its own, which quote nothing then."""
    setattr(error, OWN, text_of(error) if said is None else said)
    return error


def own_words(error: BaseException) -> str | None:
    """Return what guanxi itself says is wrong, where it raised the error, in words that quote nobody; else None."""
    if isinstance(error, Foreign):
        return error.own
    said = text_of(error) if isinstance(error, NotLearnt) else getattr(error, OWN, None)
    raised = traceback.extract_tb(error.__traceback__)[-1:]
    return said if isinstance(said, str) and any(_is_ours(frame.filename) for frame in raised) else None


def is_raised_by_us(error: BaseException) -> bool:
    """Whether the line that raised an error is guanxi's, rather than a plugin's."""
    raised = traceback.extract_tb(error.__traceback__)[-1:]
    return any(is_of_guanxi(frame.filename) for frame in raised)


def note_row(error: BaseException, row: int) -> None:
    """Have an error say for which customer of a batch it was raised."""
    with suppress(AttributeError, TypeError):  # an error may take no attributes
        setattr(error, ROW, row)


def row_of(error: BaseException) -> int | None:
    """Return the place in the batch of the customer that an error was raised for; None where nobody knows."""
    row = error.row if isinstance(error, Foreign) else getattr(error, ROW, None)
    return row if isinstance(row, int) else None


def told(error: BaseException) -> str:
    """Say what went wrong in a plugin."""
    return f"{kind_of(error)}: {text_of(error)}"


def text_of(error: BaseException) -> str:
    """Return what an error says, as UTF-8 can; nothing where it raises in saying so, as a plugin's own may."""
    try:
        return utf8(str(error))
    except BaseException:  # noqa: BLE001 - it is told by its type
        return ""


def place_of(error: BaseException) -> str | None:
    """Return the file and line where an error was raised; None where nobody knows."""
    frames = frames_of(error)
    return f"{frames[-1].file}:{frames[-1].line}" if frames else None


def placed(error: BaseException) -> str:
    """Say of what type an error is, where it was raised, and what guanxi itself says: all else may quote a customer."""
    own = own_words(error)
    return _placed(error) if own is None else f"{_placed(error)}: {own}"


def placed_with(error: BaseException, said: str) -> str:
    """Say of what type an error is and where it was raised, and what it says of a plugin that cannot be loaded."""
    return f"{_placed(error)}: {said}" if kind_of(error) == PluginError.__name__ else placed(error)


def _placed(error: BaseException) -> str:
    place = place_of(error)
    return kind_of(error) + (f" in {place}" if place else "")
