"""Leaves out shipped plugins that a bank has no use for; ``shipped`` and ``shipped_…`` are the bank's own."""

from collections.abc import Collection, Sequence
from types import ModuleType

from graph.errors import SettingsError


def kept(modules: Sequence[ModuleType], without: Collection[str]) -> list[ModuleType]:
    """Return the modules whose names are not among those to leave out.

    Raises:
        SettingsError: one of the names is no plugin's that can be left out.
    """
    names = {module.__name__.rpartition(".")[2]: module for module in modules}
    names = {name: module for name, module in names.items() if not name.startswith("shipped")}
    if unknown := sorted(set(without) - names.keys()):
        raise SettingsError(f"GUANXI_WITHOUT names {unknown[0]!r}; what can be left out is {', '.join(names)}.")
    return [module for module in modules if module not in [names[name] for name in without]]
