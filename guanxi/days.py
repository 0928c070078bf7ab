"""To act as if today were another day: the option ``--as-of``, and ``today=`` in Python."""

from datetime import UTC, date, datetime
from typing import Annotated, TypeAlias

import typer

from graph.errors import SettingsError

AsOf: TypeAlias = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Act as if today were this day; what is dated later is not seen."),
]


def day(as_of: datetime | None) -> date:
    """Return the day asked for, or today in UTC, as the API has it."""
    return as_of.date() if as_of is not None else datetime.now(UTC).date()


def as_day(today: object) -> date:
    """Return a day that was given as a date, a moment or a text in ISO's form.

    Raises:
        SettingsError: it is no day.
    """
    if isinstance(today, date):
        return today.date() if isinstance(today, datetime) else today
    try:
        return date.fromisoformat(today if isinstance(today, str) else "")
    except ValueError:
        raise SettingsError(f"today is a date, or a text such as '2026-06-30', and not {today!r}.") from None
