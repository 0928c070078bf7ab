"""Writes the sample bank: a bank directory of any size, the same to the byte for the same seed."""

import csv
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, Final

from graph.errors import LoadError
from loaders.sample_catalogue import PARTNERS, PRODUCT_COLUMNS, PRODUCTS, PROGRAMME_COLUMNS, PROGRAMMES, PURPOSES
from loaders.sample_village import VILLAGE_SIZE, Village
from loaders.tables import TABLES

UNTIL: Final = date(2026, 6, 30)
EXTRA_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {"customers": ("education",)}


def write_sample(
    folder: Path, customers: int, seed: int, *, until: date = UNTIL, progress: Callable[[int], None] | None = None
) -> None:
    """Write a bank directory that did not exist; it appears whole or not at all.

    ``until`` is the last day that the data know of; ``progress`` is told how many customers have been written.

    Raises:
        LoadError: the folder exists, or cannot be written.
    """
    if folder.exists():
        raise LoadError(f"{folder} exists; name a new folder, or remove it.")
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        _write(unfinished, customers, seed, until, progress or (lambda _: None))
        unfinished.rename(folder)
    except OSError as error:
        raise LoadError(f"{folder} cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _write(folder: Path, customers: int, seed: int, until: date, progress: Callable[[int], None]) -> None:
    with ExitStack() as files:
        writers = {}
        for table in TABLES.values():
            file = files.enter_context((folder / f"{table.name}.csv").open("w", newline="", encoding="utf-8"))
            columns = (*table.column_names, *EXTRA_COLUMNS.get(table.name, ()))
            writers[table.name] = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            writers[table.name].writeheader()
        for name, rows in fixed_tables().items():
            writers[name].writerows(rows)
        for number, start in enumerate(range(0, customers, VILLAGE_SIZE)):
            size = min(VILLAGE_SIZE, customers - start)
            for name, village_rows in Village(seed, number, size, until).rows.items():
                writers[name].writerows(village_rows)
            progress(start + size)


def fixed_tables() -> dict[str, Iterable[dict[str, Any]]]:
    """Return the rows that every sample bank has, by table: what it sells, and with whom."""
    partners = ("partner_code", "name", "kind", "region")
    return {
        "partners": [dict(zip(partners, row, strict=True)) for row in PARTNERS],
        "programmes": [dict(zip(PROGRAMME_COLUMNS, row, strict=True)) for row in PROGRAMMES],
        "products": [
            dict(zip(PRODUCT_COLUMNS, row, strict=True)) | {"purpose": PURPOSES.get(row[0], "")} for row in PRODUCTS
        ],
    }
