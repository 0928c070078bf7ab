"""The sample bank with what the plugins of a host add to it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from loaders import sample
from loaders.sample import UNTIL
from loaders.sample_parts import Sample
from plugins.host import PluginHost


def parts(host: PluginHost) -> list[Sample]:
    """Return what plugins add to the sample bank, in the order in which they were loaded."""
    return [part for part, _ in host.of("samples")]


def write_sample(
    folder: Path,
    customers: int,
    seed: int,
    *,
    host: PluginHost | None = None,
    until: date = UNTIL,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write the sample bank as ``loaders.sample`` does, with a host's parts, or those of all shipped plugins.

    Raises:
        LoadError: the folder exists, or cannot be written.
    """
    sample.write_sample(folder, customers, seed, parts(host or PluginHost.load()), until=until, progress=progress)
