"""Leaves out plugins that a bank has no use for: shipped ones, but for ``shipped…``, the bank's own, and installed."""

from collections.abc import Collection, Sequence
from types import ModuleType

from graph.errors import SettingsError
from plugins.settings.held import setting_name


def kept(modules: Sequence[ModuleType], without: Collection[str], installed: Collection[str] = ()) -> list[ModuleType]:
    """Return the modules whose names are not among those to leave out, in which ``-`` and ``_`` are the same.

    Raises:
        SettingsError: one of the names is no plugin's that can be left out, nor of what is installed.
    """
    named = {_name(module): module for module in modules if not _name(module).startswith("shipped")}
    names = [*named, *(name for name in installed if name not in named)]
    known = set(map(setting_name, names))
    if unknown := sorted(name for name in without if setting_name(name) not in known):
        raise SettingsError(f"GUANXI_WITHOUT names {unknown[0]!r}; what can be left out is {', '.join(names)}.")
    left = set(map(setting_name, without))
    return [module for module in modules if module not in named.values() or setting_name(_name(module)) not in left]


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]
