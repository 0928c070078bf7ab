"""Turns a source's text into typed rows by the rules of a table, and says of each other row what is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import polars as pl

from loaders.sources import LINE, TORN
from loaders.tables import WORD, WORD_FORM, Column, ColumnType, Table

EXTRA: Final = "x_"
"""Prefix of the columns that the format does not name."""
KEY: Final = "key"
REJECT_SCHEMA: Final = pl.Schema({LINE: pl.Int64, "column": pl.String, "value": pl.String, "reason": pl.String})

EXPECTED: Final[dict[ColumnType, str]] = {
    "number": "a number, such as 1234.56",
    "integer": "a whole number",
    "boolean": "true or false",
    "date": "a date, YYYY-MM-DD",
    "month": "a month, YYYY-MM",
    "moment": "a moment, RFC 3339, such as 2026-06-30T09:30:00+08:00",
    "word": WORD_FORM,
    "days": "days or periods, such as 2026-12-24|2026-12-30/2027-01-02",
}
PATTERNS: Final = {"month": r"^\d{4}-(0[1-9]|1[0-2])$", "word": WORD}


@dataclass(frozen=True, slots=True)
class Checked:
    """A frame's good rows, typed, with ``line`` and ``key``; and its rejects (line, column, value, reason)."""

    rows: pl.DataFrame
    rejects: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _Fault:
    when: pl.Expr
    column: str
    value: pl.Expr
    reason: str


def check(table: Table, frame: pl.DataFrame, extras: Sequence[Column]) -> Checked:
    """Apply a table's rules to a frame of text; ``extras`` are the file's further columns with the types judged."""
    columns = [*table.columns, *extras]
    text = frame.with_columns(pl.lit(None, pl.String).alias(c.name) for c in columns if c.name not in frame.columns)
    typed = text.select(
        LINE,
        TORN,
        *(_parsed(column).alias(column.name) for column in columns),
        *(pl.col(column.name).alias(_raw(column.name)) for column in columns),
    ).with_columns(_key(table).alias(KEY))
    faults = [_torn(), *(fault for column in columns for fault in _cell_faults(column)), *_row_faults(table)]
    return _split(typed, faults, [KEY, LINE, *(column.name for column in columns)])


def reject(checked: Checked, when: pl.Expr, column: str, reason: str) -> Checked:
    """Move the rows for which ``when`` holds to the rejects."""
    value = pl.col(column).cast(pl.String) if checked.rows.schema[column] != pl.List else pl.col(column).list.join("|")
    moved = _split(checked.rows, [_Fault(when, column, value, reason)], checked.rows.columns)
    return Checked(moved.rows, pl.concat([checked.rejects, moved.rejects]))


def judge(name: str, values: pl.Series, before: ColumnType | None) -> ColumnType | None:
    """Return the type that fits an extra column's values so far: number, then date, else text; None while all empty."""
    known = values.drop_nulls()
    if before == "text" or known.is_empty():
        return before
    for reads in ("number", "date") if before is None else (before,):
        if known.to_frame(name).select(_parsed(Column(name, "", reads)).is_not_null().all()).item():
            return reads
    return "text"


def _split(frame: pl.DataFrame, faults: Sequence[_Fault], keep: Sequence[str]) -> Checked:
    first = pl.coalesce(
        pl.when(fault.when).then(pl.lit(number, pl.Int32)) for number, fault in enumerate(faults)
    ).alias("fault")
    numbered = frame.with_columns(first)
    good = numbered.filter(pl.col("fault").is_null()).select(keep)
    bad = numbered.filter(pl.col("fault").is_not_null())
    rejects = [
        part.select(
            LINE,
            pl.lit(faults[number].column).alias("column"),
            faults[number].value.alias("value"),
            pl.lit(faults[number].reason).alias("reason"),
        ).cast(REJECT_SCHEMA)
        for (number,), part in bad.group_by("fault", maintain_order=True)
        if isinstance(number, int)
    ]
    return Checked(good, pl.concat(rejects) if rejects else pl.DataFrame(schema=REJECT_SCHEMA))


def _raw(name: str) -> str:
    return f"text of {name}"


def _parsed(column: Column) -> pl.Expr:
    cell = pl.col(column.name)
    match column.reads:
        case "number":
            number = cell.cast(pl.Float64, strict=False)
            return pl.when(number.is_finite()).then(number)
        case "integer":
            return cell.cast(pl.Int64, strict=False)
        case "boolean":
            return pl.when(cell == "true").then(True).when(cell == "false").then(False)
        case "date":
            return pl.when(cell.str.len_bytes() == 10).then(cell.str.to_date("%Y-%m-%d", strict=False))
        case "month" | "word":
            return pl.when(cell.str.contains(PATTERNS[column.reads])).then(cell)
        case "moment":
            return cell.str.to_datetime("%+", time_zone="UTC", time_unit="us", strict=False)
        case "list":
            return cell.str.split("|")
        case "days":
            days = cell.str.split("|")
            return pl.when(days.list.eval(_is_period(pl.element())).list.all()).then(days)
        case "text":
            return cell


def _is_period(days: pl.Expr) -> pl.Expr:
    """Whether it is a day, or the first and the last of a period with a slash between them."""
    first, slash, last = days.str.slice(0, 10), days.str.slice(10, 1), days.str.slice(11)
    begins, ends = (day.str.to_date("%Y-%m-%d", strict=False) for day in (first, last))
    alone = (days.str.len_bytes() == 10) & begins.is_not_null()
    period = (slash == "/") & (last.str.len_bytes() == 10) & (begins <= ends).fill_null(value=False)
    return alone | period


def _torn() -> _Fault:
    return _Fault(pl.col(TORN), "", pl.lit(None, pl.String), "has more or fewer fields than the header")


def _cell_faults(column: Column) -> list[_Fault]:
    raw = pl.col(_raw(column.name))
    faults = []
    if column.required:
        faults.append(_Fault(raw.is_null(), column.name, raw, "is empty, and must not be"))
    if column.reads in EXPECTED:
        unread = raw.is_not_null() & pl.col(column.name).is_null()
        faults.append(_Fault(unread, column.name, raw, f"is not {EXPECTED[column.reads]}"))
    if column.reads == "list":
        parts = pl.col(column.name).list
        faults.append(_Fault(parts.contains(""), column.name, raw, "has an empty part beside |"))
    if column.least is not None:
        faults.append(_Fault(pl.col(column.name) < column.least, column.name, raw, f"is less than {column.least:g}"))
    if column.is_past:
        faults.append(_Fault(pl.col(column.name) > datetime.now(UTC), column.name, raw, "lies in the future"))
    if column.words is not None:
        words = list(column.words)
        known = pl.col(column.name).list.eval(pl.element().is_in(words)).list.all()
        unknown = ~(known if column.reads == "list" else pl.col(column.name).is_in(words))
        faults.append(_Fault(unknown, column.name, raw, f"is none of {', '.join(words)}"))
    return faults


def _row_faults(table: Table) -> list[_Fault]:
    """What is wrong with cells beside others of their row."""
    before = [
        _Fault(pl.col(later) < pl.col(earlier), later, pl.col(_raw(later)), f"is before {earlier}")
        for earlier, later in table.periods
    ]
    alone = [
        _Fault(pl.col(one).is_not_null() & pl.col(other).is_null(), one, pl.col(_raw(one)), f"needs {other}")
        for one, other in table.needs
    ]
    free = [
        _Fault(
            pl.col(whole).is_not_null() & (pl.col(each) <= 0),
            each,
            pl.col(_raw(each)),
            f"must be more than 0 beside {whole}: it would never be spent",
        )
        for whole, each in table.spends
    ]
    themselves = [
        _Fault(pl.col(listed).list.contains(pl.col(own)), listed, pl.col(_raw(listed)), f"names its own {own}")
        for listed, own in table.apart
    ]
    return before + alone + free + themselves


def _key(table: Table) -> pl.Expr:
    return pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in table.key], separator="|")
