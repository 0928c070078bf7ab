"""Finds plugins: modules in folders, folders of packages, entry points of what is installed."""

import hashlib
import importlib.util
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Final

from graph.errors import PluginError

ENTRY_POINTS: Final = "guanxi.plugins"
ENTRY_POINT: Final = "entry point "
"""What the source of an installed plugin begins with."""
NO_MODULES: Final = ("test_", "conftest", "setup", "tests", "docs")
"""What a package's folder may have beside what is imported."""


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin that is not imported yet; ``load`` raises whatever importing it does."""

    name: str
    source: str
    load: Callable[[], object]


def find(folders: Sequence[Path]) -> Iterator[Found]:
    """Yield what is installed, and what is in folders: their ``.py`` files, and their packages."""
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        yield Found(point.name, f"{ENTRY_POINT}{point.value}", point.load)
    yield from find_in(folders)


def find_in(folders: Sequence[Path]) -> Iterator[Found]:
    """Yield what is in folders."""
    for folder in folders:
        if not folder.is_dir():
            yield Found(folder.name, str(folder), _missing)
            continue
        for path in sorted(folder.iterdir()):
            is_module = path.suffix == ".py" and not path.name.startswith(("_", "test_"))
            if is_module or (path / "pyproject.toml").is_file():
                yield of_path(path)


def of_path(path: Path) -> Found:
    """Return the plugin of a ``.py`` file, or of a folder with a ``pyproject.toml``."""
    if path.is_dir():
        return Found(path.resolve().name, str(path), partial(_package, path))
    return Found(path.stem, str(path), partial(_module, path))


def _missing() -> object:
    raise PluginError("there is no such folder")


def _module(path: Path) -> ModuleType:
    name = f"guanxi_plugin_{path.stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _package(folder: Path) -> object:
    """Import what a package's folder declares as its plugin, installed or not."""
    try:
        declared = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        points = declared["project"]["entry-points"][ENTRY_POINTS]
    except (OSError, ValueError, KeyError) as error:
        raise PluginError(f"{folder} has no pyproject.toml with the entry point {ENTRY_POINTS!r}") from error
    if len(points) != 1:
        raise PluginError(f"{folder} declares {len(points)} plugins; name the file of one")
    sources = [source.resolve() for source in (folder / "src", folder) if source.is_dir()]
    for source in sources:
        _check_names(source)
    sys.path += [str(source) for source in sources if str(source) not in sys.path]
    [(name, value)] = points.items()
    return EntryPoint(name, value, ENTRY_POINTS).load()


def _check_names(source: Path) -> None:
    """Return if no module in a folder has the name of one that is found elsewhere.

    Raises:
        PluginError: one has; either would be imported in place of the other.
    """
    modules = [path for path in source.glob("*.py") if not path.name.startswith(NO_MODULES)]
    packages = [path.parent for path in source.glob("*/__init__.py") if path.parent.name not in NO_MODULES]
    for path in sorted([*modules, *packages]):
        there = _found(path.stem)
        if there is not None and not there.is_relative_to(source):
            raise PluginError(f"it ships a module named {path.stem!r}, which there is already, from {there}")


def _found(module: str) -> Path | None:
    """Where a module would be imported from; None where there is none of that name."""
    if module in sys.stdlib_module_names:
        return Path("Python")
    spec = importlib.util.find_spec(module)
    if spec is None:
        return None
    places = [spec.origin] if spec.origin else [*(spec.submodule_search_locations or ())]
    return Path(places[0]).resolve() if places else None
