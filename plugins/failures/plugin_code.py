"""Tells the code of plugins from guanxi's, Python's and that of libraries, by where it is."""

import functools
import os
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from plugins.loading import ENTRY_POINTS

ROOT: Final = Path(__file__).parents[2]
GUANXIS: Final = tuple(ROOT / name for name in ("api", "graph", "guanxi", "loaders", "plugins", "recommenders"))
LIBRARIES: Final = ("site-packages", "dist-packages")
PYTHONS: Final = Path(os.__file__).parent


def is_of_plugin(file: str) -> bool:
    """Whether code is neither guanxi's, nor Python's, nor of a library that has no plugin."""
    path = Path(file)
    if file.startswith("<") or is_of_guanxi(file):
        return False
    for place, part in enumerate(path.parts[:-1]):
        if part in LIBRARIES:
            return path.parts[place + 1].removesuffix(".py") in packages_of_plugins()
    return not path.is_relative_to(PYTHONS)


def is_of_guanxi(file: str) -> bool:
    """Whether code is guanxi's own, or of a plugin that it ships."""
    return any(Path(file).is_relative_to(own) for own in GUANXIS)


@functools.cache
def packages_of_plugins() -> frozenset[str]:
    """Return the names of installed packages that have plugins."""
    return frozenset(point.module.partition(".")[0] for point in entry_points(group=ENTRY_POINTS))
