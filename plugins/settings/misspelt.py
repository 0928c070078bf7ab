"""What an operator sets of plugins, in file or environment, and no plugin has: told with what is nearly named so."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from plugins.host import PluginHost
from plugins.settings.held import NESTED, PREFIX, Sources, meant, prefix, setting_name
from plugins.settings.models import Model, nested_model

FAMILY: Final = PREFIX.removesuffix("_")
ALIKE: Final = 0.85
"""How much two names of the environment are alike where one is meant by the other; all begin with the same."""


def misspelt(host: PluginHost, sources: Sources, own: Collection[str]) -> list[str]:
    """Return, as sentences, what sets nothing; ``own`` are names of the environment that set guanxi itself.

    Of a plugin that is broken nobody knows what it has.
    """
    models = {setting_name(loaded.info.name): loaded.registered.about.settings for loaded in host.loaded}
    broken = {setting_name(info.name) for info in host.plugins} - set(models)
    having = {name: model for name, model in models.items() if model is not None}
    tables = {name: table for name, table in sources.tables.items() if name not in having and name not in broken}
    names = [name for name in sources.environ if not name.upper().startswith(tuple(map(prefix, broken)))]
    plugins = {setting_name(loaded.info.name): loaded.info.name for loaded in host.loaded}
    return [*_tables(tables, sources.written, plugins), *_names(names, having, own)]


def _tables(tables: Mapping[str, object], written: Mapping[str, str], plugins: Mapping[str, str]) -> Iterator[str]:
    for name, table in tables.items():
        typed = written.get(name, name)
        if name in plugins:
            yield f"The file of plugins' settings has a table {typed!r}, and that plugin has no settings."
        else:
            within = [setting_name(inner) for inner in table] if isinstance(table, Mapping) else []
            near = next((inner for inner in within if inner in plugins), name)
            alike = get_close_matches(near, list(plugins), 1)
            told = f"; is {plugins[alike[0]]!r} meant?" if alike else "."
            yield f"The file of plugins' settings has {typed!r}, and no such plugin is loaded{told}"


def _names(names: Iterable[str], models: Mapping[str, Model], own: Collection[str]) -> Iterator[str]:
    settings = {name: own for plugin, model in models.items() for name, own in _settings(model, prefix(plugin))}
    tables = tuple(f"{name}{NESTED}" for name, nested in settings.items() if nested is None)
    for name in names:
        upper = name.upper()
        is_known = upper in own or upper in settings or upper.startswith(tables)
        if upper.startswith(FAMILY) and not is_known:
            yield f"{name} sets nothing of a plugin that is loaded{meant(upper, [*settings, *own], ALIKE) or '.'}"


def _settings(model: Model, start: str) -> Iterator[tuple[str, Model | None]]:
    """Yield the names of a model's settings in the environment, each with the model that is nested there, if one is."""
    for name, own in model.model_fields.items():
        nested = nested_model(own.annotation)
        yield f"{start}{name}".upper(), nested
        if nested is not None:
            yield from _settings(nested, f"{start}{name}{NESTED}")
