"""The prospects of every product, of the bank and of each manager's book, kept for a server that must not search.

One SQLite file beside the models, ``MODELS/prospects.sqlite``, written whole or not at all and readable by its owner
alone: it names customers. It is a list of candidates; who is shown one ranks and gates it anew.
"""

import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graph.errors import ModelError
from graph.records import Customer
from recommenders.contract import Context
from recommenders.engine import Engine
from recommenders.prospects import Campaign, Prospect, Tally, foreseen, look, swing_of

FILE: Final = "prospects.sqlite"
BANK: Final = ""
"""The scope of the whole bank; any other is a manager's number."""
MOST_OF_BANK: Final = 1_000
MOST_OF_BOOK: Final = 100


@dataclass(frozen=True, slots=True)
class ProspectList:
    """One product's prospects in one scope, as they were on ``as_of``.

    Attributes:
        customers: how many there are in the scope, refused or not.
        refused: how many by the first gate that refused.
    """

    as_of: date
    model_id: str
    customers: int
    refused: Mapping[str, int]
    best: tuple[Prospect, ...]
    campaigns: tuple[Campaign, ...]


async def search(
    engine: Engine, pages: AsyncIterable[Sequence[Customer]], context: Context
) -> dict[tuple[str, str], Tally]:
    """Look at every customer once, and return the tallies by product and scope.

    Memory: of each product the bank's list and one of each book, and a page of customers.

    Raises:
        ModelError: no model foresees anything.
    """
    known = engine.ranker.schema.product_codes if engine.ranker else engine.catalogue.codes
    columns = {code: foreseen(engine, code) for code in known if code in engine.catalogue}
    swing = swing_of(engine)
    tallies = defaultdict[tuple[str, str], Tally](lambda: Tally(MOST_OF_BOOK, swing))
    for code in columns:
        tallies[code, BANK] = Tally.of_bank(MOST_OF_BANK, swing)
    async for records in pages:
        page = look(engine, records, context)
        for scope, rows in _scopes(records).items():
            for code, column in columns.items():
                tallies[code, scope].add(page, column, rows)
    return dict(tallies)


def _scopes(customers: Sequence[Customer]) -> dict[str, NDArray[np.intp]]:
    rows = defaultdict[str, list[int]](list, {BANK: list(range(len(customers)))})
    for row, customer in enumerate(customers):
        if customer.manager_no:
            rows[customer.manager_no].append(row)
    return {scope: np.array(own, np.intp) for scope, own in rows.items()}


def write(models: Path, as_of: date, model_id: str, tallies: Mapping[tuple[str, str], Tally]) -> Path:
    """Write the tallies by product and scope.

    Raises:
        ModelError: the file cannot be written; the last one stays.
    """
    fresh = models / f".{FILE}.{os.getpid()}"
    rows = ((*key, json.dumps(tally.as_json())) for key, tally in tallies.items())
    try:
        models.mkdir(parents=True, exist_ok=True)
        os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        with closing(sqlite3.connect(fresh)) as file, file:
            file.execute("CREATE TABLE made (as_of TEXT, model_id TEXT)")
            file.execute(
                "CREATE TABLE lists (product_code TEXT, scope TEXT, list TEXT, PRIMARY KEY (product_code, scope))"
            )
            file.execute("INSERT INTO made VALUES (?, ?)", (as_of.isoformat(), model_id))
            file.executemany("INSERT INTO lists VALUES (?, ?, ?)", rows)
        fresh.replace(models / FILE)
    except (OSError, sqlite3.Error) as error:
        raise ModelError(f"The prospects cannot be written to {models}: {error}. The last ones stay.") from error
    finally:
        fresh.unlink(missing_ok=True)
    return models / FILE


def read(models: Path, product_code: str, scope: str) -> ProspectList | None:
    """Return a list; one without anybody where the scope has none, None where lists were never made.

    Raises:
        ModelError: the file is broken.
    """
    if not (models / FILE).exists():
        return None
    with _opened(models) as file:
        as_of, model_id = file.execute("SELECT as_of, model_id FROM made").fetchone()
        found = file.execute(
            "SELECT list FROM lists WHERE product_code = ? AND scope = ?", (product_code, scope)
        ).fetchone()
    told: dict[str, Any] = (
        json.loads(found[0]) if found else {"customers": 0, "refused": {}, "best": [], "campaigns": []}
    )
    return ProspectList(
        date.fromisoformat(as_of),
        model_id,
        told["customers"],
        told["refused"],
        tuple(Prospect(*prospect) for prospect in told["best"]),
        tuple(Campaign(*campaign) for campaign in told["campaigns"]),
    )


def naming(models: Path, customer_no: str) -> list[Mapping[str, Any]]:
    """Return where a customer stands in the lists, with his propensity then, by product and scope.

    Raises:
        ModelError: the file is broken.
    """
    if not (models / FILE).exists():
        return []
    with _opened(models) as file:
        as_of = file.execute("SELECT as_of FROM made").fetchone()[0]
        rows = file.execute("SELECT product_code, scope, list FROM lists ORDER BY product_code, scope").fetchall()
    return [
        {"product_code": code, "scope": scope or "bank", "as_of": as_of, "rank": rank, "propensity": prospect[1]}
        for code, scope, told in rows
        for rank, prospect in enumerate(json.loads(told)["best"], 1)
        if prospect[0] == customer_no
    ]


def forget(models: Path, customer_nos: Collection[str]) -> None:
    """Take customers out of every list; counts stay as they were.

    Raises:
        ModelError: the file is broken, or cannot be written.
    """
    if not (models / FILE).exists():
        return
    with _opened(models, writes=True) as file:
        file.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
        fewer = list[tuple[str, str, str]]()
        for code, scope, text in file.execute("SELECT product_code, scope, list FROM lists"):
            told = json.loads(text)
            best = [prospect for prospect in told["best"] if prospect[0] not in customer_nos]
            if len(best) < len(told["best"]):
                fewer.append((json.dumps(told | {"best": best}), code, scope))
        file.executemany("UPDATE lists SET list = ? WHERE product_code = ? AND scope = ?", fewer)


@contextmanager
def _opened(models: Path, *, writes: bool = False) -> Iterator[sqlite3.Connection]:
    path = models / FILE
    try:
        with closing(sqlite3.connect(f"file:{path}?mode={'rw' if writes else 'ro'}", uri=True)) as file, file:
            yield file
    except (sqlite3.Error, TypeError) as error:
        raise ModelError(f"{path} is broken ({error}); run guanxi prospects --store.") from error
