"""Makes a customer's record nobody's, so that a plugin's owner can see what it failed on.

What decides where code goes is kept: which fields are known, how many of each thing there are, words of the bank's
lists, products and programmes, signs, zeros, and what is more than what. All else is made up: each customer number is
another in each place alike; money is multiplied by one secret factor and rounded; dates are moved by one secret number
of months, today's and the catalogue's with them; texts keep their length and form alone (``x`` for a letter, ``0`` for
a digit). A region, occupation, industry, branch or value of the bank's own columns is kept where it is, to the letter,
a text in the plugin's code: that tells its owner no more than which way his own code went. So a rule about an amount
(income above 9,000) may go another way with what is made up, and one about ages, months or what is held goes the same.
"""

import calendar
import math
import secrets
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime
from enum import Enum
from typing import Any, Final, TypeVar

from graph.records import Product

T = TypeVar("T")

NUMBERS: Final = frozenset({"customer_no", "principal_no"})
KEPT: Final = frozenset({"product_code", "programme_code", "kind", "consent_version", "version", "outgoing"})
COLUMNS: Final = "attributes"
BRANCHED: Final = frozenset({"region", "occupation", "industry", "branch_code", COLUMNS})
"""Where words are kept that the plugin's code names."""
MONTH: Final = "month"
MOST_MONTHS: Final = 60


class Disguise:
    """One way to make things up, for all that must stay alike; ``named`` are the words that the plugin's code names."""

    def __init__(self, named: Collection[str] = ()) -> None:
        self._named = named
        self._factor = math.exp(secrets.SystemRandom().uniform(-0.7, 0.7))
        self._months = secrets.SystemRandom().choice([*range(-MOST_MONTHS, -12), *range(13, MOST_MONTHS)])
        self._numbers: dict[str, str] = {}

    def record(self, record: T) -> T:
        """Return a record of the graph, made nobody's."""
        changes = {own.name: self._value(getattr(record, own.name), own.name) for own in fields(record)}  # type: ignore[arg-type]
        return replace(record, **changes)  # type: ignore[type-var]

    def product(self, product: Product) -> Product:
        """Return a product, which is nobody's, with its dates moved as all others are."""
        return replace(
            product, active_from=self._value(product.active_from), active_until=self._value(product.active_until)
        )

    def day(self, day: date) -> date:
        """Return a day, moved as all others are."""
        index = day.year * 12 + day.month - 1 + self._months
        year, month = divmod(index, 12)
        return day.replace(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))

    def _value(self, value: Any, name: str = "") -> Any:
        if value is None or isinstance(value, bool | Enum) or name in KEPT:
            return value
        if name in BRANCHED and isinstance(value, str) and value in self._named:
            return value
        if name in NUMBERS:
            return self._numbers.setdefault(value, f"CUSTOMER-{len(self._numbers) + 1}")
        if name == MONTH:
            return f"{self.day(date.fromisoformat(f'{value}-01')):%Y-%m}"
        return self._plain(value)

    def _plain(self, value: Any) -> Any:
        match value:
            case str():
                return "".join("0" if part.isdigit() else "x" if part.isalpha() else part for part in value)
            case int() | float():
                return self._number(value)
            case datetime() | date():
                return self.day(value)
            case Mapping():
                return {key: self._value(own, COLUMNS) for key, own in value.items()}
            case tuple():
                return tuple(self._value(own) for own in value)
        return self.record(value) if is_dataclass(value) else value

    def _number(self, value: float) -> float:
        if not math.isfinite(value) or value == 0:
            return value
        made = float(f"{value * self._factor:.2g}")
        return made if isinstance(value, float) else int(made) or int(math.copysign(1, value))
