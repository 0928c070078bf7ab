"""Has a command that tries a plugin go on where that would end its process: it would look as if all was well."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

CALLED: Final = (
    "called os._exit, which would have ended guanxi, and ends a server; under GUANXI_PLUGIN_ISOLATION=process, what is "
    "asked of a plugin, and its fit, end a process of its own alone"
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
