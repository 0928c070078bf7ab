"""A bank drawn as a few lines of text: nodes, edges, and the offers expected of them. A drawing loads like any files.

A line is one of these; ``#`` begins a comment, and values with spaces are quoted::

    ann: person birth_date=1992-03-01 income=9000      a node: its name, its kind, its columns
    ann -HOLDS-> CURRENT-ACCOUNT opened_on=2020-01-01  an edge, with the columns of its table
    ann -MEMBER_OF-> CAMPUS-1 role=student             what is named and not drawn is the sample bank's
    ann -SPOUSE-> bob                                  any relation: bob is the spouse of ann
    ann -EARNS-> 9000 months=36                        a salary account, and a salary every month up to the last,
                                                       or up to the month of until=2025-01
    ann -DID-> complaint channel=branch at=2026-06-01T09:00:00Z
    ann -SEEMS-> S1 churn=0.4 value=9000               the segment he is in, and his scores, as a model would say
    ann => MORTGAGE "steady salary"                    is offered it; by a recommender, or for a reason, if named
    ann =/> CREDIT-CARD CREDIT_LIMIT                   is not offered it; by a recommender, or a gate refuses, if named
"""

import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

import polars as pl
from dateutil.relativedelta import relativedelta

from graph.errors import LoadError
from graph.words import CustomerKind, Language, RelationKind
from loaders.sample import UNTIL, fixed_tables
from loaders.sample_parts import Sample, cells
from loaders.sources import LINE, TORN
from loaders.tables import TABLES
from recommenders.batch import Batch
from recommenders.insight import CustomerScores, Insight, Leaving, Segment, Value
from recommenders.telling import Learnt

Row: TypeAlias = dict[str, str]

NODES: Final[Mapping[str, str]] = {
    **dict.fromkeys(map(str, CustomerKind), "customers"),
    "product": "products",
    "programme": "programmes",
    "partner": "partners",
    "manager": "managers",
    "account": "accounts",
}
"""The table of each kind of node."""
EDGES: Final = {
    "HOLDS": ("holdings", "customer_no", "product_code"),
    "MEMBER_OF": ("memberships", "customer_no", "programme_code"),
    "DID": ("interactions", "customer_no", "kind"),
    "CARRIES": ("cards", "customer_no", "card_no"),
}
"""The table of each kind of edge, and the columns of its ends; relations have their own names."""
UNDRAWN: Final[Mapping[str, Row]] = {
    "customers": {
        "birth_date": "1990-01-01",
        "joined_on": "2020-01-01",
        "risk_profile": "C3",
        "credit_tier": "general",
        "credit_limit": "100000",
        "marketing_consent": "true",
    },
    "memberships": {"role": "member"},
    "interactions": {"channel": "mobile"},
}
"""What a row has where the drawing says nothing of it: customers, what gates ask for."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a line says of offers.

    Attributes:
        says: a recommender, a part of the reason in English, or the gate that refuses; empty where any will do.
    """

    line: int
    customer_no: str
    product_code: str
    offered: bool
    says: str = ""


class Drawing:
    """A source of the loader, made of lines of text; ``today`` is the day it is drawn for.

    What is not drawn is the sample bank's, with the ``parts`` of plugins; a drawing that has products has no others.

    Raises:
        LoadError: a line is none of those above; names it.
    """

    def __init__(self, text: str, today: date = UNTIL, parts: Sequence[Sample] = ()) -> None:
        self.today = today
        self.expectations: list[Expectation] = []
        self._insights: dict[str, Insight] = {}
        self._rows: dict[str, list[Row]] = defaultdict(list)
        for number, line in enumerate(text.splitlines(), 1):
            try:
                words = shlex.split(line, comments=True)
                if words:
                    self._draw(number, words)
            except ValueError as error:
                raise LoadError(f"Line {number} of the drawing, {line.strip()!r}: {error}.") from error
        for name, rows in fixed_tables(parts).items():
            drawn = self._rows[name]
            if name != "products" or not drawn:
                self._rows[name] = [*_others(name, rows, drawn), *drawn]
        for core in ("customers", "holdings"):
            self._rows.setdefault(core, [])

    def first_customer(self) -> str:
        """Return the number of the customer who is drawn first.

        Raises:
            LoadError: none is.
        """
        for row in self._rows["customers"]:
            return row["customer_no"]
        raise LoadError("The drawing has no customer.")

    def tell(self, batch: Batch) -> list[Insight]:
        """Say of customers what is drawn, and of the others as if there were no model."""
        return [self._insights.get(found.customer_no, found) for found in Learnt().tell(batch)]

    def tables(self) -> tuple[str, ...]:
        """Names of the tables that have rows, and of those that every bank has."""
        return tuple(name for name in TABLES if name in self._rows)

    def file_name(self, table: str) -> str:
        """What the loader calls a table's rows."""
        return f"the drawing's {table}"

    def columns(self, table: str) -> tuple[str, ...]:
        """The format's columns, and those that the drawing adds."""
        drawn = (column for row in self._rows[table] for column in row if column != LINE)
        return tuple(dict.fromkeys([*TABLES[table].column_names, *drawn]))

    def frames(self, table: str) -> Iterator[pl.DataFrame]:
        """Yield the rows, in one frame."""
        columns = self.columns(table)
        cells = {column: [row.get(column) or None for row in self._rows[table]] for column in columns}
        lines = [int(row.get(LINE, 0)) for row in self._rows[table]]
        yield pl.DataFrame(cells, schema=dict.fromkeys(columns, pl.String)).with_columns(
            pl.Series(LINE, lines, pl.Int64), pl.lit(value=False).alias(TORN)
        )

    def _draw(self, line: int, words: Sequence[str]) -> None:
        match words:
            case [name, kind, *columns] if name.endswith(":"):
                self._node(line, name[:-1], kind, columns)
            case [customer, ("=>" | "=/>") as arrow, product]:
                self.expectations.append(Expectation(line, customer, product, arrow == "=>"))
            case [customer, ("=>" | "=/>") as arrow, product, says]:
                self.expectations.append(Expectation(line, customer, product, arrow == "=>", says))
            case [start, arrow, end, *columns] if arrow.startswith("-") and arrow.endswith("->"):
                self._edge(line, start, arrow[1:-2], end, columns)
            case _:
                raise ValueError("it is no node (name: kind), edge (one -KIND-> other) or expectation (one => PRODUCT)")

    def _node(self, line: int, name: str, kind: str, columns: Sequence[str]) -> None:
        if kind not in NODES:
            raise ValueError(f"{kind!r} is none of {', '.join(NODES)}")
        table = NODES[kind]
        own = _columns(columns)
        if table == "customers":
            own = {"kind": kind} | own
        elif table in ("products", "programmes", "partners", "managers"):
            own = {"name": name} | own
        self._add(table, line, {TABLES[table].key[0]: name} | own)

    def _edge(self, line: int, start: str, kind: str, end: str, columns: Sequence[str]) -> None:
        own = _columns(columns)
        if kind == "EARNS":
            self._earn(line, start, end, own)
        elif kind == "SEEMS":
            self._seem(start, end, own)
        elif kind in EDGES:
            table, *ends = EDGES[kind]
            number = {"interaction_id": f"drawn-{line}"} if table == "interactions" else {}
            self._add(table, line, dict(zip(ends, (start, end), strict=True)) | number | own)
        elif kind.lower() in set(RelationKind):
            self._add("relations", line, {"from_customer_no": start, "to_customer_no": end, "kind": kind.lower()} | own)
        else:
            known = (*EDGES, "EARNS", "SEEMS", *(relation.upper() for relation in RelationKind))
            raise ValueError(f"{kind!r} is none of {', '.join(known)}")

    def _earn(self, line: int, customer_no: str, salary: str, own: Row) -> None:
        months = int(own.pop("months", "12"))
        last = own.pop("until", f"{self.today - relativedelta(months=1):%Y-%m}")
        account = f"{customer_no}-SALARY"
        self._add("accounts", line, {"account_no": account, "customer_no": customer_no})
        for before in range(months):
            month = f"{date.fromisoformat(f'{last}-01') - relativedelta(months=before):%Y-%m}"
            if any(row["account_no"] == account and row["month"] == month for row in self._rows["activity"]):
                raise ValueError(f"{customer_no} has a salary of {month} already")
            paid = {"account_no": account, "month": month, "salary": salary, "inflow": salary}
            self._add("activity", line, paid | own)

    def _seem(self, customer_no: str, code: str, own: Row) -> None:
        if unknown := own.keys() - {"churn", "value"}:
            raise ValueError(f"{min(unknown)!r} is none of churn, value")
        segment = Segment(code, dict.fromkeys(Language, code), 1.0, ())
        leaving = Leaving(float(own["churn"]), 3, ()) if "churn" in own else None
        amount = float(own["value"]) if "value" in own else None
        worth = None if amount is None else Value(amount, amount, 1.0, 1.0, learnt=True)
        self._insights[customer_no] = Insight(customer_no, segment, CustomerScores(leaving, worth))

    def _add(self, table: str, line: int, row: Row) -> None:
        self._rows[table].append({**UNDRAWN.get(table, {}), **row, LINE: str(line)})


def _others(table: str, rows: Sequence[Mapping[str, Any]], drawn: Sequence[Row]) -> list[Row]:
    """Return the sample bank's rows whose keys are not drawn."""
    key = TABLES[table].key[0]
    taken = {row[key] for row in drawn}
    texts = [{column: str(cell) for column, cell in cells(row).items()} for row in rows]
    return [row for row in texts if row[key] not in taken]


def _columns(words: Sequence[str]) -> Row:
    pairs = [word.partition("=") for word in words]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise ValueError(f"{name!r} is no column=value")
    return {name: value for name, _, value in pairs}
