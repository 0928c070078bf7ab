"""Where rows come from: a source gives each table as frames of text, so that one validation serves all formats."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import polars as pl

LINE: Final = "line"
"""Name of the column that every frame has beside the file's own: 1-based line (CSV) or row (Parquet) number."""
TORN: Final = "torn"
"""Name of the boolean column that is true where a record has more or fewer fields than the header."""


class Source(Protocol):
    """A bank's data, one table at a time, readable as often as asked; ``guanxi format`` tells of tables and columns."""

    def tables(self) -> Iterable[str]:
        """Names of the tables that exist, as ``guanxi format`` has them."""
        ...

    def file_name(self, table: str) -> str:
        """What to call the table's file in messages."""
        ...

    def columns(self, table: str) -> tuple[str, ...]:
        """The file's column names, without ``line`` and ``torn``.

        Raises:
            LoadError: the file has no usable header.
        """
        ...

    def frames(self, table: str) -> "Iterator[pl.DataFrame]":
        """Yield the rows as polars frames in file order, some 10,000 at a time.

        The columns are those of ``columns`` as String; ``line``, the row's number from 1, as Int64; ``torn``, whether
        it has more or fewer cells than the header, as Boolean. An empty cell is null.

        Raises:
            LoadError: the file cannot be read as its format.
        """
        ...
