"""The rejects file: every row that was not loaded, with file, line, column, value and reason."""

import csv
from pathlib import Path
from typing import Final

import polars as pl

from graph.errors import LoadError

HEADER: Final = ("file", "line", "column", "value", "reason")


class RejectsFile:
    """A CSV that appears with the first reject; an older one is removed at the start."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
        except OSError as error:
            raise LoadError(f"The rejects file {path} cannot be written: {error.strerror}.") from error

    def add(self, file: str, rejects: pl.DataFrame) -> None:
        """Append the rejects (line, column, value, reason) of one file."""
        if rejects.is_empty():
            return
        with self.path.open("a", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            if not self.count:
                writer.writerow(HEADER)
            writer.writerows((file, *row) for row in rejects.rows())
        self.count += len(rejects)
