"""Has a command that tries a plugin go on where that would end its process: it would look as if all was well."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

CALLED: Final = (
    "called os._exit, which would have ended guanxi; under GUANXI_PLUGIN_ISOLATION=process, its answers and its fit "
    "end a process of its own alone"
)


class EndsItsProcess(SystemExit):
    """What a plugin meets in this process in place of its end."""


@contextmanager
def enduring() -> Iterator[list[EndsItsProcess]]:
    """Have ``os._exit`` raise in this process, and end one that was forked as ever; yield what was raised."""
    own, end, met = os.getpid(), os._exit, list[EndsItsProcess]()

    def refuse(status: int) -> None:
        if os.getpid() != own:
            end(status)
        met.append(EndsItsProcess(CALLED))
        raise met[-1]

    os._exit = refuse  # type: ignore[assignment]  # a plugin takes it for the one that never returns
    try:
        yield met
    finally:
        os._exit = end


def untold(ends: Sequence[EndsItsProcess], lines: Iterable[str]) -> Sequence[EndsItsProcess]:
    """Return the first of what was raised, unless some line tells of it: it was in a thread of the plugin's own."""
    return [] if any(EndsItsProcess.__name__ in line for line in lines) else ends[:1]
