"""Where a plugin is that does not end: a thread shows its lines, a process none."""

import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from plugins.isolation import threads


def is_too_late(error: BaseException) -> bool:
    """Whether guanxi says so of a plugin, and no plugin of what it waited for."""
    raised = traceback.extract_tb(error.__traceback__)[-1].filename
    return isinstance(error, TimeoutError) and Path(raised).parent == Path(threads.__file__).parent


def stacks(path: Path) -> Iterator[list[traceback.FrameSummary]]:
    """Yield, of each thread that is in a plugin's file or folder, the plugin's lines and what these have called.

    Threads in which guanxi asked come before those that the plugin has started itself; of each, what was begun last.
    """
    asked, started = list[list[traceback.FrameSummary]](), list[list[traceback.FrameSummary]]()
    for frame in sys._current_frames().values():
        lines = traceback.extract_stack(frame)
        own = next((place for place, line in enumerate(lines) if is_of(line, path)), len(lines))
        is_asked = any(line.filename == threads.__file__ for line in lines[:own])
        (asked if is_asked else started).append(lines[own:])
    yield from filter(None, (*asked, *started))


def is_of(line: traceback.FrameSummary, path: Path) -> bool:
    """Whether a line is of a plugin's file or folder, by whatever links it was imported."""
    file = Path(line.filename)
    return file.is_absolute() and file.resolve().is_relative_to(path.resolve())
