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

    The thread that was begun last comes first.
    """
    for frame in sys._current_frames().values():
        lines = traceback.extract_stack(frame)
        own = [place for place, line in enumerate(lines) if is_of(line, path)]
        if own:
            yield lines[own[0] :]


def is_of(line: traceback.FrameSummary, path: Path) -> bool:
    """Whether a line is of a plugin's file or folder."""
    return Path(line.filename).is_relative_to(path)
