"""The option ``--as-of``: to act as if today were another day."""

from datetime import UTC, date, datetime
from typing import Annotated, TypeAlias

import typer

AsOf: TypeAlias = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Act as if today were this day; what is dated later is not seen."),
]


def day(as_of: datetime | None) -> date:
    """Return the day asked for, or today in UTC, as the API has it."""
    return as_of.date() if as_of is not None else datetime.now(UTC).date()
