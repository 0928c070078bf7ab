"""Loads a source into the graph: survey every file, then validate and write, batch by batch.

Memory does not grow with the rows but for hashes of the survey and of keys written. One batch is written at a time,
while the next is made ready: two writers at once would only wait for each other on the products they link to.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import polars as pl

from graph.erasures import Key, check_secret, gone
from graph.errors import LoadError
from graph.imports import ImportRow, import_rows, is_empty, missing_keys
from graph.store import Store
from loaders.rejects import RejectsFile
from loaders.sources import Source
from loaders.survey import Survey, key_hashes, survey
from loaders.tables import REFERENCED, TABLES, Column
from loaders.validation import EXTRA, KEY, Checked, check, reject

BATCH_ROWS: Final = 5_000
SELF_REFERENCE: Final = {table.name: column.name for table in TABLES.values() for column in table.columns
                         if column.references == table.name and column.reads == "text"}  # fmt: skip
ERASABLE: Final = {"customers": "Customer", "accounts": "Account", "cards": "Card"}
"""Tables whose rows may be an erased customer, or his, with their labels."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a file's name, its rows read so far, and its rows in all."""


@dataclass(slots=True)
class FileSummary:
    """Rows of one file, by what became of them; ``loaded`` counts those created and updated."""

    file: str
    read: int = 0
    loaded: int = 0
    unchanged: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """What a load, or a check, did; ``rejects`` is the path of the rejects file, if there is one."""

    files: tuple[FileSummary, ...]
    rejects: Path | None

    @property
    def rejected(self) -> int:
        """Rows rejected, of all files."""
        return sum(file.rejected for file in self.files)


def survey_source(source: Source) -> dict[str, Survey]:
    """Read every file once; raises LoadError for one that can't be read, before anything is written."""
    own = set(source.tables())
    return {name: survey(source, name) for name in TABLES if name in own}


def absent(source: Source) -> list[str]:
    """Return the core tables that a source lacks: with any, it is a part of a bank."""
    own = set(source.tables())
    return [table.name for table in TABLES.values() if table.core and table.name not in own]


async def load_bank(
    store: Store,
    source: Source,
    rejects: Path,
    *,
    strict: bool = False,
    progress: Progress | None = None,
    erasure_secret: str | None = None,
    named: str = "The source",
) -> LoadSummary:
    """Load a source, ``named`` so in errors; every row ends up loaded, unchanged or rejected.

    With ``strict`` everything is checked first, and nothing is written when a row would be rejected. Rows that name a
    customer who was erased, known by ``erasure_secret``, are rejected.

    Raises:
        LoadError: a file cannot be read as its format, or a core table is nowhere; nothing was written.
        SettingsError: customers were erased, and not under that secret.
    """
    if lacking := [name for name in absent(source) if await is_empty(store, name)]:
        raise LoadError(
            f"{named} has no {', '.join(lacking)}, nor has the store: a bank is begun with customers, products and "
            "holdings, and a part is loaded only onto these."
        )
    erased = erasure_secret if await check_secret(store, erasure_secret) else None
    surveys = await asyncio.to_thread(survey_source, source)
    if strict:
        checked = await _Load(source, surveys, RejectsFile(rejects), progress, store, erased, writes=False).run()
        if checked.rejected:
            return checked
    return await _Load(source, surveys, RejectsFile(rejects), progress, store, erased, writes=True).run()


async def check_bank(
    source: Source, rejects: Path, *, progress: Progress | None = None, named: str = "The source"
) -> LoadSummary:
    """Validate a source, ``named`` so in errors, by itself: a reference must be to a row of its own files.

    Raises:
        LoadError: a file cannot be read as its format, or a core table is not there.
    """
    if lacking := absent(source):
        raise LoadError(
            f"{named} has no {', '.join(lacking)}: what is checked is a whole bank by itself, without a store. A part "
            "is checked by loading it; with --strict nothing is written where a row would be rejected."
        )
    surveys = await asyncio.to_thread(survey_source, source)
    return await _Load(source, surveys, RejectsFile(rejects), progress, None, writes=False).run()


@dataclass(frozen=True, slots=True)
class _Ready:
    """Rows of a file read, as what will become of them: rejected, twice the same, written if they are not there yet."""

    read: int
    rejects: pl.DataFrame
    twice: int
    keys: pl.Series
    rows: list[ImportRow]


@dataclass
class _Load:
    source: Source
    surveys: Mapping[str, Survey]
    rejects: RejectsFile
    progress: Progress | None
    store: Store | None
    erased: str | None = None
    """The secret under which customers were erased, where some were."""
    _: KW_ONLY
    writes: bool
    files: list[FileSummary] = field(default_factory=list)
    written: dict[str, pl.Series] = field(default_factory=dict)
    """Hashes of the keys that are in the graph by this load's doing, of the tables that others reference."""
    stored: set[str] = field(default_factory=set)
    """Those of which the graph had rows before."""

    async def run(self) -> LoadSummary:
        self.stored = {name for name in REFERENCED if self.store and not await is_empty(self.store, name)}
        for name in self.surveys:
            await self._load_table(name)
        return LoadSummary(tuple(self.files), self.rejects.path if self.rejects.count else None)

    async def _load_table(self, name: str) -> None:
        summary = FileSummary(self.source.file_name(name))
        self.files.append(summary)
        store = self.store if self.writes else None
        fresh = store is not None and await is_empty(store, name)
        hashes = [pl.Series(dtype=pl.UInt64)]
        async with aclosing(_one_ahead(self._ready(name))) as batches:
            async for batch in batches:
                self.rejects.add(summary.file, batch.rejects)
                summary.rejected += len(batch.rejects)
                if store is not None:
                    await _write(store, name, batch, summary, fresh=fresh)
                    hashes.append(key_hashes(batch.keys))
                summary.read += batch.read
                if self.progress is not None:
                    self.progress(summary.file, summary.read, self.surveys[name].rows)
        if store is not None and name in REFERENCED:
            self.written[name] = pl.concat(hashes)

    async def _ready(self, name: str) -> AsyncGenerator[_Ready]:
        batches = _validated(self.source, self.surveys[name])
        while (checked := await asyncio.to_thread(next, batches, None)) is not None:
            read = len(checked.rows) + len(checked.rejects)
            checked = await self._refuse_erased(name, checked)
            checked = await self._check_references(name, checked)
            once = checked.rows.unique(KEY, keep="first", maintain_order=True)
            extras = self.surveys[name].extras
            rows = await asyncio.to_thread(_import_rows, name, once, extras) if self.writes else []
            yield _Ready(read, checked.rejects, len(checked.rows) - len(once), once[KEY], rows)

    async def _refuse_erased(self, name: str, checked: Checked) -> Checked:
        if self.store is None or self.erased is None:
            return checked
        naming = _naming(name)
        keys: set[Key] = {(label, key) for column, label in naming for key in checked.rows[column].drop_nulls()}
        found = await gone(self.store, self.erased, keys)
        for column, label in naming if found else ():
            those = pl.Series([key for of, key in found if of == label], dtype=pl.String).implode()
            checked = reject(checked, pl.col(column).is_in(those), column, "is, or is of, a customer who was erased")
        return checked

    async def _check_references(self, name: str, checked: Checked) -> Checked:
        for column in TABLES[name].columns:
            if column.references is None or not self._is_enforced(column.references):
                continue
            keys = checked.rows[column.name].explode() if column.reads == "list" else checked.rows[column.name]
            missing = await self._missing(column.references, keys.drop_nulls().unique(), own=column.references == name)
            if missing:
                cell, among = pl.col(column.name), pl.Series(sorted(missing)).implode()
                named = (
                    cell.list.eval(pl.element().is_in(among)).list.any()
                    if column.reads == "list"
                    else cell.is_in(among)
                )
                checked = reject(checked, named, column.name, f"names no row of {column.references}")
        return checked

    def _is_enforced(self, table: str) -> bool:
        """Codes of an optional table that the bank has never handed over are taken as they are."""
        return table in self.surveys or table in self.stored or TABLES[table].core

    async def _missing(self, table: str, keys: pl.Series, *, own: bool) -> set[str]:
        """Return the keys that neither the graph nor, where it isn't written yet, the file has."""
        if keys.is_empty():
            return set()
        known = (
            self.surveys[table].keys if table in self.surveys and (own or not self.writes) else self.written.get(table)
        )
        if known is not None:
            keys = keys.filter(~key_hashes(keys).is_in(known.implode()))
            if keys.is_empty():
                return set()
        return await missing_keys(self.store, table, keys.to_list()) if self.store else set(keys)


def _naming(name: str) -> list[tuple[str, str]]:
    """A table's columns that name customers, accounts or cards, with the label of what they name."""
    table = TABLES[name]
    own = [(table.key[0], ERASABLE[name])] if name in ERASABLE else []
    others = [(column.name, ERASABLE[column.references]) for column in table.columns if column.references in ERASABLE]
    return own + others


async def _one_ahead(batches: AsyncGenerator[_Ready]) -> AsyncGenerator[_Ready]:
    """Yield the batches; while one is used, the next is made."""
    async with aclosing(batches):
        upcoming = asyncio.ensure_future(anext(batches, None))
        try:
            while (batch := await upcoming) is not None:
                upcoming = asyncio.ensure_future(anext(batches, None))
                yield batch
        finally:
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)


async def _write(store: Store, name: str, batch: _Ready, summary: FileSummary, *, fresh: bool) -> None:
    summary.unchanged += batch.twice
    for start in range(0, len(batch.rows), BATCH_ROWS):
        done = await import_rows(store, name, batch.rows[start : start + BATCH_ROWS], fresh=fresh)
        summary.loaded += done.created + done.updated
        summary.unchanged += done.unchanged


def _validated(source: Source, seen: Survey) -> Iterator[Checked]:
    """Yield a table's frames, checked; rows that refer to their own table come last."""
    table = seen.table
    own = SELF_REFERENCE.get(table.name)
    passes = [pl.lit(value=True)]
    if own is not None and own in source.columns(table.name):
        passes = [pl.col(own).is_null(), pl.col(own).is_not_null()]
    for selection in passes:
        for frame in source.frames(table.name):
            checked = check(table, frame.filter(selection), seen.extras)
            if len(seen.disagreeing):
                twice = key_hashes(checked.rows[KEY]).is_in(seen.disagreeing.implode())
                checked = reject(
                    Checked(checked.rows.with_columns(twice.alias("twice")), checked.rejects),
                    pl.col("twice"), table.key[0], "stands here and in another line that says otherwise",
                )  # fmt: skip
                checked = Checked(checked.rows.drop("twice"), checked.rejects)
            yield checked


def _import_rows(name: str, rows: pl.DataFrame, extras: tuple[Column, ...]) -> list[ImportRow]:
    table = TABLES[name]
    properties = rows.select(
        *(pl.col(column) for column in table.column_names), *(pl.col(c.name).alias(EXTRA + c.name) for c in extras)
    )
    if name == "activity":
        properties = properties.with_columns(rows[KEY].alias("activity_key"))
    digests = (hashlib.blake2b(repr(row).encode(), digest_size=12).hexdigest() for row in properties.rows())
    return [
        {"key": key, "digest": digest, "properties": values}
        for key, digest, values in zip(rows[KEY], digests, properties.to_dicts(), strict=True)
    ]
