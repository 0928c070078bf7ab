"""Finds plugins: modules in folders, folders of packages, entry points of what is installed."""

import hashlib
import importlib.util
import sys
import tomllib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Final

from graph.errors import PluginError
from plugins.settings.held import setting_name

ENTRY_POINTS: Final = "guanxi.plugins"
ENTRY_POINT: Final = "entry point "
"""What the source of an installed plugin begins with."""
NO_MODULES: Final = ("test_", "conftest", "setup", "tests", "docs")
"""What a package's folder may have beside what is imported."""


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin that is not imported yet; ``load`` raises whatever importing it does.

    Attributes:
        module: what it is imported as where it is installed.
    """

    name: str
    source: str
    load: Callable[[], object]
    module: str = ""

    @property
    def key(self) -> str:
        """What it is known by where names may be alike, as of what is loaded."""
        return f"{self.source}:{self.name}"


def find(folders: Sequence[Path], without: Collection[str] = ()) -> Iterator[Found]:
    """Yield what is installed, but for some names, and what is in folders: their ``.py`` files, and their packages."""
    left = set(map(setting_name, without))
    for point in _points():
        if setting_name(point.name) not in left:
            yield Found(point.name, f"{ENTRY_POINT}{point.value}", point.load, point.module)
    yield from find_in(folders)


def installed() -> list[str]:
    """Return the names of what is installed."""
    return [point.name for point in _points()]


def _points() -> list[EntryPoint]:
    return sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name)


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


def unfinished(folders: Sequence[Path]) -> Iterator[Path]:
    """Yield the folders in some folders that are no package for want of a pyproject.toml, by the module in them.

    Taken for one is a folder that has the name of the only module in it, tests aside.
    """
    for folder in filter(Path.is_dir, folders):
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not (path / "pyproject.toml").exists():
                modules = [own.stem for own in path.glob("*.py") if not own.name.startswith(NO_MODULES)]
                if modules == [path.name.replace("-", "_")]:
                    yield path


def of_path(path: Path) -> Found:
    """Return the plugin of a ``.py`` file, or of a folder with a ``pyproject.toml``."""
    if path.is_dir():
        return Found(path.resolve().name, str(path), partial(_package, path), _declared_module(path))
    return Found(path.stem, str(path), partial(_module, path), path.stem)


def is_twin(module: str, source: str, installed: str) -> bool:
    """Whether a module from some source, or what it is in, is installed: by the source of what is."""
    if not installed.startswith(ENTRY_POINT) or source.startswith(ENTRY_POINT):
        return False
    return f"{module}.".startswith(f"{module_of(installed)}.")


def module_of(installed: str) -> str:
    """Return the module of an entry point, by the source of what is installed with it."""
    return installed.removeprefix(ENTRY_POINT).partition(":")[0].strip()


def place_of(source: str) -> Path | None:
    """Return the file of a plugin, or its package's folder, by its source; None where nobody knows."""
    if not source.startswith(ENTRY_POINT):
        return Path(source) if Path(source).exists() else None
    with suppress(ImportError, ValueError):
        spec = importlib.util.find_spec(module_of(source).partition(".")[0])
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            return origin.parent if origin.name == "__init__.py" else origin
    return None


def code_of(source: str, without: tuple[str, ...] = (".",)) -> list[Path]:
    """Return the files of a plugin's code, by where it is from, without some names' beginnings; none where unknown."""
    path = place_of(source)
    if path is None or not path.is_dir():
        return [] if path is None else [path]
    return [
        file
        for file in path.rglob("*.py")
        if not any(part.startswith(without) for part in file.relative_to(path).parts)
    ]


def digest_of(source: str) -> str | None:
    """Return a digest of a plugin's code, tests aside, alike wherever it is; None where it cannot be read."""
    try:
        digests = sorted(hashlib.sha256(file.read_bytes()).digest() for file in code_of(source, (".", *NO_MODULES)))
    except OSError:
        return None
    return hashlib.sha256(b"".join(digests)).hexdigest() if digests else None


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
    """Import what a package's folder declares as its plugin; in place of the same package where that is installed."""
    point = _declared(folder)
    sources = [source.resolve() for source in (folder / "src", folder) if source.is_dir()]
    installed = _files_of(point)
    twins = [name for source in sources for name in _check_names(source, installed)]
    _forget(twins)
    before, after = (list(map(str, sources)), []) if twins else ([], list(map(str, sources)))
    sys.path[:] = list(dict.fromkeys([*before, *sys.path, *after]))
    return point.load()


def _declared(folder: Path) -> EntryPoint:
    try:
        declared = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        points = declared["project"]["entry-points"][ENTRY_POINTS]
    except (OSError, ValueError, KeyError) as error:
        raise PluginError(f"{folder} has no pyproject.toml with the entry point {ENTRY_POINTS!r}") from error
    if len(points) != 1:
        raise PluginError(f"{folder} declares {len(points)} plugins; name the file of one")
    [(name, value)] = points.items()
    return EntryPoint(name, value, ENTRY_POINTS)


def _declared_module(folder: Path) -> str:
    try:
        return _declared(folder).module
    except (PluginError, AttributeError):  # loading it says what is wrong
        return ""


def _files_of(point: EntryPoint) -> frozenset[Path]:
    """The files of whoever has installed an entry point."""
    owners = [own.dist for own in entry_points(group=ENTRY_POINTS, value=point.value) if own.dist is not None]
    return frozenset(Path(str(own.locate_file(file))).resolve() for own in owners for file in own.files or ())


def _check_names(source: Path, installed: Collection[Path]) -> list[str]:
    """Return which modules in a folder are found elsewhere, among what is installed of the same package.

    Raises:
        PluginError: one has the name of what is none of the package; either would be imported in place of the other.
    """
    modules = [path for path in source.glob("*.py") if not path.name.startswith(NO_MODULES)]
    packages = [path.parent for path in source.glob("*/__init__.py") if path.parent.name not in NO_MODULES]
    twins = []
    for path in sorted([*modules, *packages]):
        there = where_found(path.stem)
        if there is None or there.is_relative_to(source):
            continue
        if there not in installed:
            raise PluginError(f"it ships a module named {path.stem!r}, which there is already, from {there}")
        twins.append(path.stem)
    return twins


def _forget(modules: Collection[str]) -> None:
    """Have modules, and what is in them, imported anew."""
    for name in [own for own in list(sys.modules) if own.partition(".")[0] in modules]:
        del sys.modules[name]
    importlib.invalidate_caches()


def where_found(module: str) -> Path | None:
    """Where a module would be imported from; None where there is none of that name."""
    if module in sys.stdlib_module_names:
        return Path("Python")
    spec = importlib.util.find_spec(module)
    if spec is None:
        return None
    places = [spec.origin] if spec.origin else [*(spec.submodule_search_locations or ())]
    return Path(places[0]).resolve() if places else None
