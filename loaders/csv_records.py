"""CSV (RFC 4180) in bounded memory with true line numbers.

Blocks of bytes are cut where a record ends, which is a line feed outside quotes: one after an even number of
quotation marks. The cells themselves are polars' work.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graph.errors import LoadError
from loaders.sources import LINE, TORN

BLOCK_BYTES: Final = 1 << 20
RECORD_BYTES: Final = 4 << 20
"""The longest record that is read; a longer one is no record of a bank's."""
BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written."""

    separator: str = ","
    null_values: tuple[str, ...] = ("",)


BANK: Final = Dialect()


def header(path: Path, dialect: Dialect = BANK) -> tuple[str, ...]:
    """Return the column names; raises LoadError where the first line can't be one."""
    for _, block in _blocks(path):
        first = block[: block.find(b"\n") + 1] or block
        names = _cells(path, first, ["name"] * (first.count(dialect.separator.encode()) + 1), dialect).row(0)
        if any(name is None or not name.strip() for name in names):
            raise LoadError(f"{path}: the header has a column without a name.")
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise LoadError(f"{path}: the header names {doubled[0]!r} twice.")
        return tuple(names)
    raise LoadError(f"{path}: the file is empty; a header line is needed.")


def frames(path: Path, dialect: Dialect = BANK) -> Iterator[pl.DataFrame]:
    """Yield the records as ``Source.frames`` promises; memory does not grow with the file."""
    names = header(path, dialect)
    for line, block in _blocks(path):
        lines, ends, fields = _records(block, line, dialect.separator)
        frame = _cells(path, block, names, dialect)
        if len(frame) != len(ends):
            raise LoadError(f"{path}: a quotation mark is misplaced between lines {line} and {lines[-1]}.")
        frame = frame.with_columns(pl.Series(LINE, lines), pl.Series(TORN, fields != len(names)))
        blank = np.diff(ends, prepend=-1) <= 2
        keep = ~(blank & frame.select(pl.all_horizontal(pl.col(list(names)).is_null())).to_series().to_numpy())
        if line == 1:
            keep[0] = False
        yield frame.filter(pl.Series(keep))


def _records(block: bytes, line: int, separator: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return each record's first line, the offset of its line feed, and its number of fields."""
    octets = np.frombuffer(block, np.uint8)
    outside = np.cumsum(octets == ord('"'), dtype=np.int64) % 2 == 0
    feeds = octets == ord("\n")
    ends = np.flatnonzero(feeds & outside)
    feeds_before = np.cumsum(feeds, dtype=np.int64)
    lines = line + np.concatenate(([0], feeds_before[ends[:-1]]))
    separators = np.cumsum((octets == ord(separator)) & outside, dtype=np.int64)
    return lines, ends, np.diff(separators[ends], prepend=0) + 1


def _blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (line number of its first line, whole records), each ending in a line feed."""
    line, rest = 1, b""
    try:
        with _opened(path) as file:
            while block := file.read(BLOCK_BYTES):
                rest += block.removeprefix(BOM) if line == 1 and not rest else block
                end = _last_record_end(rest)
                if end:
                    yield line, rest[:end]
                    line += rest.count(b"\n", 0, end)
                    rest = rest[end:]
                elif len(rest) > RECORD_BYTES:
                    raise LoadError(
                        f"{path}: the record at line {line} is longer than {RECORD_BYTES >> 20} MiB; "
                        "is a quotation mark left open, or is it no CSV?"
                    )
    except (OSError, EOFError, zlib.error) as error:
        raise LoadError(f"{path} cannot be read: {error}. Is the file half written?") from error
    if rest.count(b'"') % 2:
        raise LoadError(f"{path}: the quotation mark opened after line {line} is never closed; is it half written?")
    if rest:
        yield line, rest + b"\n"


def _last_record_end(block: bytes) -> int:
    octets = np.frombuffer(block, np.uint8)
    outside = np.cumsum(octets == ord('"'), dtype=np.int64) % 2 == 0
    ends = np.flatnonzero((octets == ord("\n")) & outside)
    return int(ends[-1]) + 1 if len(ends) else 0


def _opened(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _cells(path: Path, block: bytes, names: tuple[str, ...] | list[str], dialect: Dialect) -> pl.DataFrame:
    try:
        block.decode()
    except UnicodeDecodeError as error:
        raise LoadError(f"{path} is not UTF-8: byte {error.object[error.start]:#04x}. Save it as UTF-8.") from error
    if b"\0" in block:
        raise LoadError(f"{path} has a NUL byte; it is no CSV.")
    schema = {f"{position}": pl.String for position in range(len(names))}
    try:
        frame = pl.read_csv(
            io.BytesIO(block),
            has_header=False,
            schema=schema,
            separator=dialect.separator,
            truncate_ragged_lines=True,
            null_values=list(dialect.null_values),
            raise_if_empty=False,
        )
    except pl.exceptions.PolarsError as error:
        raise LoadError(f"{path} cannot be read as CSV: {error}") from error
    return frame.rename(dict(zip(schema, names, strict=True))) if len(set(names)) == len(names) else frame
