"""The sample bank with what the plugins of a host add to it; a plugin whose part is wrong is named in one line."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

from graph.errors import PluginError
from loaders import sample
from loaders.sample import UNTIL, fixed_tables
from loaders.sample_parts import STORY, Sample, columns_of, misfit
from loaders.sample_village import Village
from loaders.tables import TABLES
from plugins.failures.telling import place_of, told
from plugins.host import PluginHost
from plugins.infos import SHIPPED

FIXED: Final = ("partners", "programmes", "products")
"""The tables of which a part has rows."""


def parts(host: PluginHost) -> list[Sample]:
    """Return what plugins add to the sample bank, in the order in which they were loaded.

    Raises:
        PluginError: names the plugin whose part cannot be taken in, or the two of which only one can; so do parts of
            plugins while they tell their story.
    """
    found: list[Sample] = []
    owners = dict.fromkeys(_marks(Sample("", products=fixed_tables(())["products"])), "")
    owners |= {_column(name): "" for name in columns_of()["customers"]}
    for part, info in host.of("samples"):
        if info.source != SHIPPED:
            _check(part, info.name)
        for mark in _marks(part):
            _check_own(mark, info.name, owners.setdefault(mark, info.name))
        found.append(part if info.source == SHIPPED else _guarded(part, info.name))
    return found


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
        PluginError: as ``parts``.
    """
    sample.write_sample(folder, customers, seed, parts(host or PluginHost.load()), until=until, progress=progress)


def _check(part: Sample, plugin: str) -> None:
    """Return if a part has rows of the tables' columns, with their keys, and columns that are words."""
    if isinstance(part.columns, str) or not all(isinstance(name, str) and name for name in part.columns):
        raise _refusal(plugin, f"its columns are {part.columns!r}, which are no collection of words.")
    known = columns_of()
    for table in FIXED:
        rows = getattr(part, table)
        if not isinstance(rows, Iterable):
            raise _refusal(plugin, f"its {table} are {rows!r}, no rows.")
        for row in rows:
            if not isinstance(row, Mapping):
                raise _refusal(plugin, f"a row of {table} is {row!r}, no mapping.")
            if said := misfit(table, row, known):
                raise _refusal(plugin, said)
            if not row.get(key := _key(table)):
                raise _refusal(plugin, f"a row of {table} has no {key}.")
    marks = list(_marks(part))
    for mark in marks:
        if marks.count(mark) > 1:
            raise _refusal(plugin, f"it has {mark} twice.")


def _key(table: str) -> str:
    return TABLES[table].key[0]


def _marks(part: Sample) -> Iterator[str]:
    """Name what a part has that no other may have."""
    for table in FIXED:
        yield from (f"the {_key(table)} {row[_key(table)]!r}" for row in getattr(part, table))
    yield from map(_column, part.columns)


def _column(name: str) -> str:
    return f"the column {name!r} of customers"


def _check_own(mark: str, plugin: str, owner: str) -> None:
    """Return if what a plugin's part has is its own, by the plugin that had it first; without a name, the bank."""
    if not owner:
        raise _refusal(plugin, f"{mark} is the sample bank's own.")
    if owner != plugin:
        raise PluginError(f"The samples of the plugins {owner} and {plugin} both have {mark}: one has to have another.")


def _guarded(part: Sample, plugin: str) -> Sample:
    """Return a part that raises PluginError for whatever is wrong with its story."""
    told_by = {hook: getattr(part, hook) for hook in STORY}
    story: dict[str, Any] = {hook: partial(_tell, plugin, hook, own) for hook, own in told_by.items() if own}
    return replace(part, **story)


def _tell(plugin: str, hook: str, function: Callable[..., None], village: Village, *of: Any) -> None:
    fitted = hook == STORY[-1] and village.misfit() is None
    try:
        function(village, *of)
        said = village.misfit() if fitted else None
    except (Exception, SystemExit) as error:
        place = place_of(error)
        raise _refusal(plugin, f"its {hook}{f', in {place}' if place else ''}: {told(error)}") from error
    if said:
        raise _refusal(plugin, f"its {hook}: {said}")


def _refusal(plugin: str, said: str) -> PluginError:
    return PluginError(f"The sample of the plugin {plugin} cannot be taken in: {said}")
