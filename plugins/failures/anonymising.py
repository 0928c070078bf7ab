"""Makes a customer's record nobody's, so that a plugin's owner can see what it failed on.

What decides where code goes is kept: which fields are known, how many of each thing there are, words of the bank's
lists, products and programmes, signs, zeros, and what is more than what. All else is made up: each customer number is
another in each place alike; money is multiplied by one secret factor and rounded; dates are moved by one secret number
of months, today's and the catalogue's with them; texts keep their length and form alone (``x`` for a letter, ``0`` for
a digit). A region, occupation, industry, branch or value of the bank's own columns is kept where it is, to the letter,
a text in the plugin's code: that tells its owner no more than which way his own code went. So a rule about an amount
(income above 9,000) may go another way with what is made up, and one about ages, months or what is held goes the same.
"""

import builtins
import calendar
import keyword
import math
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, TypeVar

from graph.records import Product
from plugins.failures.telling import text_of

T = TypeVar("T")

NUMBERS: Final = frozenset({"customer_no", "principal_no"})
KEPT: Final = frozenset(
    {
        "product_code",
        "programme_code",
        "programme_name",
        "programme_name_zh",
        "programme_kind",
        "partner_code",
        "kind",
        "consent_version",
        "version",
        "outgoing",
    }
)
COLUMNS: Final = "attributes"
BRANCHED: Final = frozenset({"region", "occupation", "industry", "branch_code", COLUMNS})
"""Where words are kept that the plugin's code names."""
MONTH: Final = "month"
MOST_MONTHS: Final = 60
PYTHONS: Final = """
argument arguments at attempt attribute by call cannot convert could dictionary division divide expected float found
from gave got has index indices integer invalid item key keyword larger length list longer match missing module ms no
number numbers of only operand out positional recursion required sequence subscriptable support supported takes than
the they to too took types unexpected unpack unsupported value values with without word zero NoneType
"""
ANYBODYS: Final = frozenset([*PYTHONS.split(), *dir(builtins), *keyword.kwlist])
"""Words by which Python says what is wrong."""
MOST_SAID: Final = 200
"""Letters of an error's text."""


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

    def arguments(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a field is asked with, made nobody's as values of the bank's own columns are."""
        return {name: self._value(value, COLUMNS) for name, value in arguments.items()}

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
                return form_of(value)
            case int() | float():
                return self._number(value)
            case Decimal():
                return Decimal(str(self._number(float(value))))
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


def form_of(text: str) -> str:
    """Return a text's length and form alone."""
    return "".join("0" if part.isdigit() else "x" if part.isalpha() else part for part in text)


def said_by(error: BaseException) -> str:
    """Return what an error says: of all words that are not Python's own, the form."""
    return re.sub(r"\w+", lambda word: word[0] if word[0] in ANYBODYS else form_of(word[0]), text_of(error)[:MOST_SAID])
