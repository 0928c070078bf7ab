"""Writes the sample bank: a bank directory of any size, the same to the byte for the same seed."""

import csv
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, Final

from graph.errors import LoadError
from loaders.sample_catalogue import PERSON, PRODUCT_COLUMNS, PRODUCTS
from loaders.sample_parts import Sample, cells, columns_of
from loaders.sample_village import VILLAGE_SIZE, Village
from loaders.tables import CONTRACT, TABLES

UNTIL: Final = date(2026, 6, 30)


def write_sample(
    folder: Path,
    customers: int,
    seed: int,
    parts: Sequence[Sample],
    *,
    until: date = UNTIL,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write a bank directory that did not exist; it appears whole or not at all.

    ``parts`` are what plugins add to it, such as programmes with partners; ``plugins.samples`` has those of a host.
    ``until`` is the last day that the data know of; ``progress`` is told how many customers have been written.

    Raises:
        LoadError: the folder exists, or cannot be written; or parts have rows that do not fit.
    """
    if folder.exists():
        raise LoadError(f"{folder} exists; name a new folder, or remove it.")
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        _write(unfinished, customers, seed, until, parts, progress or (lambda _: None))
        unfinished.rename(folder)
    except OSError as error:
        raise LoadError(f"{folder} cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _write(
    folder: Path, customers: int, seed: int, until: date, parts: Sequence[Sample], progress: Callable[[int], None]
) -> None:
    fixed, known = fixed_tables(parts), columns_of(parts)
    with ExitStack() as files:
        writers = {}
        for table in TABLES.values():
            file = files.enter_context((folder / f"{table.name}.csv").open("w", newline="", encoding="utf-8"))
            columns = _columns(table.name, known, fixed)
            writers[table.name] = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            writers[table.name].writeheader()
        for name, rows in fixed.items():
            writers[name].writerows(map(cells, rows))
        for number, start in enumerate(range(0, customers, VILLAGE_SIZE)):
            size = min(VILLAGE_SIZE, customers - start)
            village = Village(seed, number, size, until, parts)
            if said := village.misfit():
                raise LoadError(f"The parts of plugins in the sample bank do not fit: {said}")
            for name, village_rows in village.rows.items():
                writers[name].writerows(map(cells, village_rows))
            progress(start + size)


def fixed_tables(parts: Sequence[Sample]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that every sample bank has, by table: what it sells, and with whom.

    Of products, those of the bank itself come before those of parts, and what is for persons before all else.
    """
    own = [dict(zip(PRODUCT_COLUMNS, row, strict=True)) for row in PRODUCTS]
    products = [*own, *(dict(row) for part in parts for row in part.products)]
    products.sort(key=lambda row: row.get("audience") not in (PERSON, ""))
    purposes = {code: purpose for part in parts for code, purpose in part.purposes.items()}
    return {
        "partners": [dict(row) for part in parts for row in part.partners],
        "programmes": [dict(row) for part in parts for row in part.programmes],
        "products": [{"purpose": purposes.get(row["product_code"], "")} | row for row in products],
    }


def _columns(
    table: str, known: Mapping[str, Sequence[str]], fixed: Mapping[str, Sequence[Mapping[str, Any]]]
) -> tuple[str, ...]:
    """A table's columns; those of contracts with partners are there where there is one."""
    used = {name for row in fixed.get(table, ()) for name in row}
    return tuple(name for name in known[table] if name not in CONTRACT or name in used)
