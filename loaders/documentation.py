"""The format's documentation, made from the same declarations as its validation."""

from loaders.tables import TABLES, Column, Table

RULES = """\
# The bank directory

One file a table: `NAME.csv` (RFC 4180, UTF-8, a header line, optionally `.gz`) or `NAME.parquet`. An empty cell is
"unknown". Columns may come in any order. A column not named here is kept as an attribute: a number, a date or a text,
as its values are. Loading twice changes nothing; a newer directory updates rows by key and deletes none.
It may have a few files alone, such as `programmes.csv` with a new contract, once customers, products and holdings are
loaded: `guanxi load` says which of these are not there. What is named by a key has to be there or in the store; keys of
an optional table that was never loaded are taken as they are.
"""


def markdown() -> str:
    """Return the documentation of every table as Markdown."""
    return "\n".join([RULES, *(_table(table) for table in TABLES.values())])


def _table(table: Table) -> str:
    need = "needed" if table.core else "optional"
    lines = [f"## {table.name} ({need})", "", table.doc, f"Key: {', '.join(table.key)}.", ""]
    lines += ["| column | holds | values |", "|---|---|---|", *(_row(column) for column in table.columns)]
    lines += [f"\n`{later}` may not be before `{earlier}`." for earlier, later in table.periods]
    return "\n".join([*lines, ""])


def _row(column: Column) -> str:
    name = f"**{column.name}**" if column.required else column.name
    values = ", ".join(column.words) if column.words else column.reads
    if column.reads in ("list", "days"):
        values += ", several with \\|"
    if column.references:
        values += f" (a key of {column.references})"
    return f"| {name} | {column.doc} | {values} |"
