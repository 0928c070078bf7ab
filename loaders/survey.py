"""The first reading of a table: is it readable, what are its extra columns, which keys stand twice and disagree?

Nothing is written before every file has been surveyed. It keeps 16 bytes a row, of keys and of rows as hashes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from loaders.sources import Source
from loaders.tables import REFERENCED, TABLES, Column, ColumnType, Table
from loaders.validation import judge

SEPARATOR: Final = "\x1f"


@dataclass(frozen=True, slots=True)
class Survey:
    """What one reading of a table showed.

    Attributes:
        extras: the columns that the format does not name, with the types their values have.
        disagreeing: hashes, as ``key_hashes`` gives them, of keys that stand in rows that differ.
        keys: hashes of all keys; only of tables that others, or they themselves, reference.
    """

    table: Table
    rows: int
    extras: tuple[Column, ...]
    disagreeing: pl.Series
    keys: pl.Series


def survey(source: Source, name: str) -> Survey:
    """Read a table once.

    Raises:
        LoadError: the file cannot be read as its format.
    """
    table = TABLES[name]
    names = [column for column in source.columns(name) if column not in table.column_names]
    judged: dict[str, ColumnType | None] = dict.fromkeys(names)
    hashes = []
    for frame in source.frames(name):
        for extra in names:
            judged[extra] = judge(extra, frame[extra], judged[extra])
        hashes.append(_hashes(frame, table.key, source.columns(name)))
    both = pl.concat(hashes) if hashes else pl.DataFrame(schema={"key": pl.UInt64, "row": pl.UInt64})
    repeated = both.unique().group_by("key").len().filter(pl.col("len") > 1)
    extras = tuple(Column(extra, "kept as an attribute", reads or "text") for extra, reads in judged.items())
    keys = both["key"].unique() if name in REFERENCED else both["key"].clear()
    return Survey(table, len(both), extras, repeated["key"], keys)


def key_hashes(keys: pl.Series) -> pl.Series:
    """Hash keys as the survey does."""
    return keys.hash(seed=0)


def _hashes(frame: pl.DataFrame, key: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
    present = [pl.col(name).fill_null("") if name in frame.columns else pl.lit("") for name in key]
    cells: Iterator[pl.Expr] = (pl.col(name).fill_null("") for name in columns)
    return frame.select(
        pl.concat_str(present, separator="|").hash(seed=0).alias("key"),
        pl.concat_str(list(cells), separator=SEPARATOR).hash(seed=0).alias("row"),
    )
