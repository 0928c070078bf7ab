"""Which customers are meant: a small tree of conditions, compiled to Cypher whose every value is a parameter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, TypeAlias

Value: TypeAlias = str | bool | date
Parameters: TypeAlias = Mapping[str, object]


class Column(StrEnum):
    """The properties of a customer that may be asked for; no other name gets into a query."""

    CUSTOMER_NO = "customer_no"
    NAME = "name"
    NAME_KEY = "name_key"
    KIND = "kind"
    REGION = "region"
    BIRTH_DATE = "birth_date"
    JOINED_ON = "joined_on"
    MANAGER_NO = "manager_no"
    VALUE_TIER = "value_tier"
    CREDIT_TIER = "credit_tier"
    RISK_PROFILE = "risk_profile"
    LANGUAGE = "language"
    MARKETING_CONSENT = "marketing_consent"


class Operator(StrEnum):
    """How a property is compared."""

    EQ = "="
    IN = "IN"
    GT = ">"
    GTE = ">="
    LT = "<"
    LTE = "<="
    STARTS_WITH = "STARTS WITH"


@dataclass(frozen=True, slots=True)
class Compared:
    """Whose property compares so; never those of whom it is unknown. ``IN`` takes a tuple."""

    column: Column
    operator: Operator
    value: Value | tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """Of whom a property is known."""

    column: Column


@dataclass(frozen=True, slots=True)
class Holds:
    """Who hold one of the products on a day."""

    product_codes: tuple[str, ...]
    day: date


@dataclass(frozen=True, slots=True)
class MemberOf:
    """Who are or were in one of the programmes."""

    programme_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mentions:
    """Whose number or name contains a word, in any case."""

    word: str


@dataclass(frozen=True, slots=True)
class Every:
    """Who meet all of the conditions; with none, everybody."""

    of: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """Who meet one of the conditions or more; with none, nobody."""

    of: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Who do not meet a condition; so those of whom nothing is known."""

    of: "Filter"


Filter: TypeAlias = Compared | Known | Holds | MemberOf | Mentions | Every | Some | Not
EVERYBODY: Final = Every(())

ALL: Final = "true"
NONE: Final = "false"
HELD: Final = """EXISTS {{ MATCH (c)-[h:HOLDS]->() WHERE h.product_code IN ${codes}
  AND (h.opened_on IS NULL OR h.opened_on <= ${day}) AND (h.closed_on IS NULL OR h.closed_on > ${day}) }}"""
MEMBER: Final = "EXISTS {{ MATCH (c)-[m:MEMBER_OF]->() WHERE m.programme_code IN ${codes} }}"


def compiled(wanted: Filter) -> tuple[str, Parameters]:
    """Return a condition on the node ``c``, and its parameters."""
    compiling = _Compiling()
    return compiling.text(wanted, negated=False), compiling.parameters


@dataclass(slots=True)
class _Compiling:
    parameters: dict[str, object] = field(default_factory=dict)

    def text(self, wanted: Filter, *, negated: bool) -> str:
        match wanted:
            case Compared(column, operator, value):
                compared = f"c.{column} {operator} ${self._parameter(value)}"
                # NULL is neither true nor false, and NOT leaves it so.
                return f"(c.{column} IS NOT NULL AND {compared})" if negated else compared
            case Known(column):
                return f"c.{column} IS NOT NULL"
            case Holds(codes, day):
                return HELD.format(codes=self._parameter(codes), day=self._parameter(day))
            case MemberOf(codes):
                return MEMBER.format(codes=self._parameter(codes))
            case Mentions(word):
                mentioned = f"c.search_key CONTAINS ${self._parameter(word.lower())}"
                return f"(c.search_key IS NOT NULL AND {mentioned})" if negated else mentioned
            case Every(of):
                texts = [self.text(each, negated=negated) for each in of]
                return _joined([text for text in texts if text != ALL], " AND ") or ALL
            case Some(of):
                return _joined([self.text(each, negated=negated) for each in of], " OR ") or NONE
            case Not(of):
                return f"NOT ({self.text(of, negated=True)})"

    def _parameter(self, value: object) -> str:
        name = f"wanted_{len(self.parameters)}"
        self.parameters[name] = list(value) if isinstance(value, tuple) else value
        return name


def _joined(texts: Sequence[str], word: str) -> str:
    return f"({word.join(texts)})" if len(texts) > 1 else "".join(texts)
