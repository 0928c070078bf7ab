"""The bank directory as a source: ``NAME.csv``, ``NAME.csv.gz`` or ``NAME.parquet``, one file a table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from graph.errors import LoadError
from loaders import csv_records
from loaders.sources import LINE, TORN
from loaders.tables import TABLES

ENDINGS: Final = (".csv", ".csv.gz", ".parquet")
PARQUET_ROWS: Final = 10_000


class BankDirectory:
    """A directory in the bank format.

    Raises:
        LoadError: it is no directory, has no table, or has a table or a column twice or not at all.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise LoadError(f"{folder} is no directory.")
        self._files = {name: file for name in TABLES if (file := _file(folder, name))}
        if not self._files:
            raise LoadError(f"{folder} has no file of a bank; `guanxi format` describes them.")
        for name, file in self._files.items():
            _require_columns(file, name, self.columns(name))

    def tables(self) -> tuple[str, ...]:
        """Names of the tables that have a file."""
        return tuple(self._files)

    def file_name(self, table: str) -> str:
        """The file's name in the directory."""
        return self._files[table].name

    def columns(self, table: str) -> tuple[str, ...]:
        """The file's header."""
        path = self._files[table]
        return tuple(_parquet(path).collect_schema()) if path.suffix == ".parquet" else csv_records.header(path)

    def frames(self, table: str) -> Iterator[pl.DataFrame]:
        """Yield the rows as text, in file order."""
        path = self._files[table]
        return _parquet_frames(path) if path.suffix == ".parquet" else csv_records.frames(path)


def _file(folder: Path, table: str) -> Path | None:
    found = [path for ending in ENDINGS if (path := folder / f"{table}{ending}").exists()]
    if len(found) > 1:
        raise LoadError(f"{folder} has both {found[0].name} and {found[1].name}; keep the one that counts.")
    return found[0] if found else None


def _require_columns(path: Path, table: str, columns: tuple[str, ...]) -> None:
    missing = [column.name for column in TABLES[table].columns if column.required and column.name not in columns]
    if missing:
        raise LoadError(f"{path}: the header lacks {', '.join(missing)}. `guanxi format` describes the file.")


def _parquet(path: Path) -> pl.LazyFrame:
    try:
        frame = pl.scan_parquet(path)
        frame.collect_schema()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise LoadError(f"{path} cannot be read as Parquet: {error}") from error
    return frame


def _parquet_frames(path: Path) -> Iterator[pl.DataFrame]:
    lazy = _parquet(path)
    text = [pl.col(pl.Datetime).dt.to_string("iso:strict"), pl.exclude(pl.Datetime).cast(pl.String)]
    for start in range(0, lazy.select(pl.len()).collect().item(), PARQUET_ROWS):
        try:
            frame = lazy.slice(start, PARQUET_ROWS).collect()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise LoadError(f"{path} cannot be read from row {start + 1} on: {error}") from error
        lines = pl.int_range(start + 1, start + 1 + len(frame), eager=True).alias(LINE)
        yield frame.select(text).select(frame.columns).with_columns(lines, pl.lit(value=False).alias(TORN))
