"""Bounds the memory of a process."""

import resource
from pathlib import Path
from typing import Final

PAGE: Final = resource.getpagesize()
ONE_HEAP: Final = {"MALLOC_ARENA_MAX": "1"}
"""The environment of a process to be bounded: else each of its threads may reserve 64 MB that it does not use."""


def limit_memory(more_mb: int) -> None:
    """Let this process use so much address space more than it does; not where the system does not tell how much."""
    told = Path("/proc/self/statm")
    if told.exists():
        most = int(told.read_text().split()[0]) * PAGE + more_mb * 2**20
        _, hardest = resource.getrlimit(resource.RLIMIT_AS)
        if hardest != resource.RLIM_INFINITY:
            most = min(most, hardest)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
