"""How plugins that are not shipped are kept apart: in threads of this process, or each in a process of its own."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Mode: TypeAlias = Literal["thread", "process"]


@dataclass(frozen=True, slots=True)
class Isolation:
    """Where such plugins run.

    Attributes:
        mode: a thread that takes too long is left behind; a process is ended.
        memory_mb: how much address space a process may use beyond what guanxi itself needs there.
        fit_seconds: how long a recommender may take to learn.
        fit_memory_mb: how much more space it may use for that in a process.
    """

    mode: Mode = "thread"
    memory_mb: int = 512
    fit_seconds: float = 600.0
    fit_memory_mb: int = 2048

    @property
    def late_fit(self) -> str:
        """What is said of one that took longer to learn."""
        return f"fit took longer than the {self.fit_seconds:g} s of GUANXI_PLUGIN_FIT_SECONDS"


THREADS: Final = Isolation()
