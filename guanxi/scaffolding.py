"""Writes a plugin to begin with, in a folder: a function, a class that learns, or a package; each with its test."""

import re
import sys
from collections.abc import Mapping
from enum import StrEnum
from importlib import resources
from keyword import iskeyword
from pathlib import Path
from string import Template
from typing import Final

from graph.errors import SettingsError
from plugins.host import PluginHost
from plugins.loading import where_found
from plugins.settings.held import setting_name

NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_NAME: Final = 60


class Size(StrEnum):
    """How much of a plugin."""

    FUNCTION = "function"
    CLASS = "class"
    PACKAGE = "package"


def write_plugin(name: str, size: Size, folder: Path) -> list[Path]:
    """Write a plugin's own folder into another, and return its files; none that is there is overwritten.

    Raises:
        SettingsError: the name is none, a file is there already, or the folder cannot be written.
    """
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME or _is_taken(name):
        raise SettingsError(
            f"{name!r} is no name of a plugin: it is lower case, with hyphens, as in graduate-mortgage, and no word or "
            "module of Python's."
        )
    _check_module(name, size, folder)
    _check_shipped(name)
    files = _files(name, size, folder)
    taken = [path for path in files if path.exists()]
    if taken:
        raise SettingsError(f"{taken[0]} is there already; name another plugin, or another folder by --into.")
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{error.filename} cannot be written: {error.strerror}.") from error
    return list(files)


def _is_taken(name: str) -> bool:
    """Whether Python means something else by it."""
    module = name.replace("-", "_")
    return iskeyword(module) or module in sys.stdlib_module_names


def _check_module(name: str, size: Size, folder: Path) -> None:
    """Raise SettingsError if its module would be taken for another, so that it could never be loaded."""
    module = _module(name, size)
    there = where_found(module)
    if there is not None and not there.is_relative_to(folder.resolve()):
        raise SettingsError(
            f"{name!r} is no name of a plugin: there is a module {module!r} already, from {there}, and either would be "
            "imported in place of the other."
        )


def _check_shipped(name: str) -> None:
    """Raise SettingsError if guanxi ships a plugin, or a recommender, of that name."""
    host = PluginHost.of_shipped()
    taken = [info.name for info in host.plugins] + [recommender.name for recommender in host.recommenders()]
    if setting_name(name) in map(setting_name, taken):
        raise SettingsError(f"{name!r} is no name of a plugin: guanxi ships a plugin or recommender of that name.")


def _module(name: str, size: Size) -> str:
    """What it is imported as."""
    module = name.replace("-", "_")
    return f"guanxi_{module}" if size is Size.PACKAGE else module


def _files(name: str, size: Size, folder: Path) -> dict[Path, str]:
    root, module = folder / name, _module(name, size)
    if size is Size.PACKAGE:
        sources, tests, plugin = "src", root / "tests", root / "src" / module / "__init__.py"
        built = f'packages = ["src/{module}"]'
    else:
        sources, tests, plugin = ".", root, root / f"{module}.py"
        built = f'only-include = ["{module}.py"]'
    words = {
        "name": name,
        "module": module,
        "built": built,
        "sources": sources,
        "title": name.replace("-", " ").capitalize(),
        "cls": "".join(word.capitalize() for word in name.split("-")),
        "code": name.replace("-", "_").upper(),
    }
    return {
        plugin: _filled(f"{size}/plugin.py", words),
        tests / f"test_{module}.py": _filled(f"{size}/test_plugin.py", words),
        root / "README.md": _filled("README.md", words),
        root / "pyproject.toml": _filled("pyproject.toml", words),
    }


def _filled(template: str, words: Mapping[str, str]) -> str:
    text = resources.files("guanxi").joinpath("scaffold", f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(words)
