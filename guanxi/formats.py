"""The formats in which a bank's files can be read, by the hook ``formats``."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from graph.errors import GuanxiError, LoadError, SettingsError
from guanxi.plugin_commands import command_host
from plugins.contract import Format
from plugins.failures.telling import told as failure
from plugins.infos import SHIPPED, PluginInfo

if TYPE_CHECKING:
    import polars as pl

    from loaders.sources import Source

DEFAULT: Final = "bank"


def formats() -> dict[str, tuple[Format, PluginInfo]]:
    """Return every format by its name, and whose it is."""
    return {item.name: (item, info) for item, info in command_host().of("formats")}


def told() -> str:
    """Say what formats there are, for the help of an option."""
    return "How the files are written. " + " ".join(_told(item) for item, _ in formats().values())


def open_source(directory: Path, name: str, options: Sequence[str] = (), *, assume_consent: bool = False) -> "Source":
    """Return the source that reads a directory in a format, with its options as ``name=value``.

    Raises:
        SettingsError: there is no such format, or it has no such option or value.
        LoadError: its plugin failed.
    """
    known = formats()
    if name not in known:
        raise SettingsError(f"There is no format {name!r}; there are {', '.join(known)}.")
    item, info = known[name]
    given = [*options, "assume_consent=true"] if assume_consent else options
    chosen = dict(_chosen(item, option) for option in given)
    if info.source == SHIPPED:
        return item.open(directory, **chosen)
    with _told_of(info.name):
        return PluginSource(info.name, item.open(directory, **chosen))


class PluginSource:
    """A plugin's source, whose failures are told as what they are: the plugin cannot read the files."""

    def __init__(self, plugin: str, inner: "Source") -> None:
        self._plugin = plugin
        self._inner = inner

    def tables(self) -> Iterable[str]:
        """The inner source's tables."""
        with _told_of(self._plugin):
            return tuple(self._inner.tables())

    def file_name(self, table: str) -> str:
        """The inner source's name of a table."""
        with _told_of(self._plugin):
            return self._inner.file_name(table)

    def columns(self, table: str) -> tuple[str, ...]:
        """The inner source's columns of a table."""
        with _told_of(self._plugin):
            return self._inner.columns(table)

    def frames(self, table: str) -> "Iterator[pl.DataFrame]":
        """Yield the inner source's rows of a table."""
        with _told_of(self._plugin):
            yield from self._inner.frames(table)


@contextmanager
def _told_of(plugin: str) -> Iterator[None]:
    try:
        yield
    except GuanxiError:
        raise
    except Exception as error:
        raise LoadError(f"The plugin {plugin} cannot read the bank's files: {failure(error)}") from error


def _chosen(item: Format, option: str) -> tuple[str, Any]:
    name, given, value = option.partition("=")
    known: Mapping[str, Any] = item.options
    if not given or name not in known:
        there = f"its options are {', '.join(known)}" if known else "it has none"
        raise SettingsError(f"The format {item.name} has no option {option!r}; {there}, given as NAME=VALUE.")
    try:
        return name, TypeAdapter(known[name].annotation).validate_python(value)
    except ValidationError as error:
        raise SettingsError(f"The option {option!r} of the format {item.name}: {error.errors()[0]['msg']}.") from error


def _told(item: Format) -> str:
    options = "".join(f", --option {name}={option.default}" for name, option in item.options.items())
    return f"{item.name}: {item.help}{options}."
