"""What a plugin adds to the sample bank: rows of what is sold with whom, and a part in the story of who took it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from graph.errors import meant
from loaders.tables import TABLES

if TYPE_CHECKING:
    from loaders.sample_village import Person, Village

STORY: Final = ("youth", "adult", "settled", "couple", "firm", "last")
"""What of a part is told the story, in this order."""
EXTRA_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {"customers": ("education",)}
"""Columns of the sample bank that the format does not name."""

Rows: TypeAlias = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Firm:
    """A firm while the story is told.

    Attributes:
        number: its customer number.
        account: its account's number.
        opened: when that was opened.
        turnover: its monthly inflow.
        is_shop: whether it is a shop, rather than an employer.
    """

    number: str
    account: str
    opened: date
    turnover: float
    is_shop: bool


@dataclass(frozen=True)
class Sample:
    """A plugin's part in the sample bank. Stability: plugin API.

    Attributes:
        name: unique among parts, such as the plugin's own.
        partners: rows of that table.
        programmes: rows of that table.
        products: rows of that table.
        purposes: what products of the bank itself are for, by product code.
        columns: those of its own that it gives customers, beside the format's: ``last`` sets them in customers' rows.
        shops: the name and the industry of the firms that are shops.
        youth: told of an adult before he has an account.
        adult: told of him, and his account's number, once he has one.
        settled: told of him and his account when all else that he holds is known.
        couple: told of a couple and its children, each of whom has a story already.
        firm: told of a firm and its account.
        last: told when all else is, which ``village.rows`` has; it leaves all others' rows as they are.
    """

    name: str
    partners: Rows = ()
    programmes: Rows = ()
    products: Rows = ()
    purposes: Mapping[str, str] = field(default_factory=dict)
    columns: Sequence[str] = ()
    shops: tuple[str, str] | None = None
    youth: "Callable[[Village, Person], None] | None" = None
    adult: "Callable[[Village, Person, str], None] | None" = None
    settled: "Callable[[Village, Person, str], None] | None" = None
    couple: "Callable[[Village, list[Person], list[Person]], None] | None" = None
    firm: "Callable[[Village, Firm], None] | None" = None
    last: "Callable[[Village], None] | None" = None


def cells(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row as a bank writes it: what is true or false, in these words."""
    if any(cell is True or cell is False for cell in row.values()):
        return {column: str(cell).lower() if isinstance(cell, bool) else cell for column, cell in row.items()}
    return row


def columns_of(parts: Sequence[Sample] = ()) -> dict[str, tuple[str, ...]]:
    """Return the columns that each table of the sample bank may have, with those that parts give customers."""
    known = {table.name: (*table.column_names, *EXTRA_COLUMNS.get(table.name, ())) for table in TABLES.values()}
    known["customers"] += tuple(column for part in parts for column in part.columns)
    return known


def misfit(table: str, columns: Iterable[str], known: Mapping[str, Collection[str]]) -> str | None:
    """Say which table, or which of a row's columns, the sample bank does not have; None where it has them all."""
    if table not in known:
        return f"there is no table {table!r}.{meant(get_close_matches(table, known))}"
    for name in columns:
        if name not in known[table]:
            named = ", and the sample's columns do not name it" if table == "customers" else ""
            near = get_close_matches(name, known[table]) if isinstance(name, str) else []
            return f"{table} has no column {name!r}{named}.{meant(near)}"
    return None
