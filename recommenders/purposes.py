"""Purpose limits: which products a kind of data may serve, and records without what may not serve.

A kind of data is ``membership:KIND`` of programme, ``attribute:COLUMN`` of the customers' file, ``activity``,
``interactions``, ``outcomes`` or ``relations``. What may be served is ``programme:KIND``, ``purpose:PURPOSE``,
``category:CATEGORY`` or ``product:CODE``.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final, Self

from graph.records import Customer, Product
from graph.words import ProgrammeKind

PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "activity": ("activity",),
    "interactions": ("interactions",),
    "outcomes": ("outcomes",),
    "relations": ("relations", "kin", "family"),
}
"""Fields of a record that are one kind of data, whole."""
BEHAVIOUR: Final = frozenset(PARTS)
"""What profiling is made of."""
MEMBERSHIP: Final = "membership"
ATTRIBUTE: Final = "attribute"
NEEDED: Final = frozenset({"customer_no", "kind"})
"""Columns without which there is no customer."""
COLUMNS: Final = frozenset(own.name for own in fields(Customer) if own.default is None)
"""The format's own columns, that are None where not known."""
EVERYTHING: Final = "everything"
NOTHING: Final = "nothing"
SERVED: Final = ("programme", "purpose", "category", "product")


@dataclass(frozen=True)
class PurposeLimits:
    """Of each confined kind of data, what it may serve; what is not named here may serve all."""

    serves: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def kinds(self) -> frozenset[str]:
        """The confined kinds."""
        return frozenset(self.serves)

    def seen_by(self, product: Product) -> frozenset[str]:
        """Return the confined kinds that may serve a product."""
        named = {
            f"programme:{product.programme_kind}",
            f"purpose:{product.purpose}",
            f"category:{product.category}",
            f"product:{product.product_code}",
        }
        return frozenset(kind for kind, served in self.serves.items() if served & named)

    @classmethod
    def parsed(cls, text: str) -> Self:
        """Read ``KIND=PRODUCTS,PRODUCTS; KIND=…``, which overrides the default kind by kind.

        ``KIND=everything`` lifts a limit, ``KIND=nothing`` lets the kind serve no product.

        Raises:
            ValueError: it says what is wrong.
        """
        serves = dict(DEFAULT_SERVES)
        named = set[str]()
        for part in filter(None, (part.strip() for part in text.split(";"))):
            kind, equals, products = (word.strip() for word in part.partition("="))
            if not equals:
                raise ValueError(f"{part!r} is not KIND=PRODUCTS")
            if kind in named:
                raise ValueError(f"{kind!r} is limited twice")
            named.add(_checked_kind(kind))
            served = _served(products)
            if served is None:
                serves.pop(kind, None)
            else:
                serves[kind] = served
        return cls(serves)

    def told(self) -> dict[str, list[str]]:
        """Return the limits in JSON's types."""
        return {kind: sorted(served) or [NOTHING] for kind, served in sorted(self.serves.items())}


def is_attribute(kind: str) -> bool:
    """Whether a kind of data is a column of the customers' file."""
    return _split(kind)[0] == ATTRIBUTE


def kinds_in(record: Customer, kinds: Collection[str]) -> frozenset[str]:
    """Return those of some kinds of data that a record has anything of."""
    return frozenset(kind for kind in kinds if _has(record, kind))


def without(record: Customer, kinds: Collection[str]) -> Customer:
    """Return the record as if the bank knew nothing of some kinds of data; itself where there is nothing of them."""
    there = kinds_in(record, kinds)
    if not there:
        return record
    changes: dict[str, Any] = {}
    memberships, columns = _names(there, MEMBERSHIP), _names(there, ATTRIBUTE)
    if memberships:
        changes["memberships"] = tuple(m for m in record.memberships if m.programme_kind not in memberships)
    if columns:
        own = {name: value for name, value in record.attributes.items() if name not in columns}
        changes |= {"attributes": own} | dict.fromkeys(columns & COLUMNS)
    for kind in there & PARTS.keys():
        changes |= dict.fromkeys(PARTS[kind], ())
    return replace(record, **changes)


def row_without(row: Mapping[str, Any], kinds: Collection[str]) -> Mapping[str, Any]:
    """Return a row of ``graph.portfolio.pages`` as ``without`` does a record."""
    memberships, columns = _names(kinds, MEMBERSHIP), _names(kinds, ATTRIBUTE)
    less: dict[str, Any] = dict.fromkeys(columns & row.keys())
    if memberships:
        less["memberships"] = [own for own in row["memberships"] if own[3] not in memberships]
    if "relations" in kinds:
        less["relations"] = []
    return {**row, **less}


def words_of(record: Customer, kinds: Collection[str]) -> frozenset[str]:
    """Return the words by which a path goes through data of some kinds: codes, references, texts, others' numbers."""
    memberships, columns = _names(kinds, MEMBERSHIP), _names(kinds, ATTRIBUTE)
    words: set[object] = set()
    for own in record.memberships:
        if own.programme_kind in memberships:
            words |= {own.programme_code, own.programme_name, own.programme_name_zh}
            words |= {own.partner_code, own.reference, *own.attributes.values()}
    words |= {record.attributes.get(name) for name in columns}
    words |= {getattr(record, name) for name in columns & COLUMNS}
    if "relations" in kinds:
        words |= {relation.customer_no for relation in record.relations}
        words |= {other.customer_no for others in (record.kin, record.family) for other in others}
    return frozenset(word for word in words if isinstance(word, str))


def _has(record: Customer, kind: str) -> bool:
    group, name = _split(kind)
    if group == MEMBERSHIP:
        return any(membership.programme_kind == name for membership in record.memberships)
    if group == ATTRIBUTE:
        return name in record.attributes or (name in COLUMNS and getattr(record, name) is not None)
    return any(getattr(record, part) for part in PARTS[group])


@lru_cache
def _split(kind: str) -> tuple[str, str]:
    group, _, name = kind.partition(":")
    return group, name


def _names(kinds: Collection[str], group: str) -> frozenset[str]:
    return frozenset(name for own, name in map(_split, kinds) if own == group)


def _checked_kind(kind: str) -> str:
    group, name = _split(kind)
    if group == MEMBERSHIP:
        _check_programme(name)
    elif group == ATTRIBUTE:
        if not name or name in NEEDED:
            raise ValueError(f"{kind!r} names no column of the customers' file that can be held back")
    elif kind not in PARTS:
        words = ", ".join(PARTS)
        raise ValueError(f"{kind!r} is no kind of data: those are membership:KIND, attribute:COLUMN, {words}")
    return kind


def _served(text: str) -> frozenset[str] | None:
    """What a kind may serve; None where that is everything."""
    if text in {EVERYTHING, NOTHING}:
        return None if text == EVERYTHING else frozenset()
    named = frozenset(word.strip() for word in text.split(","))
    for word in named:
        group, name = _split(word)
        if group not in SERVED or not name:
            those = ", ".join(f"{group}:{group.upper()}" for group in SERVED)
            raise ValueError(f"{word!r} names no products: those are {those}, or {EVERYTHING} or {NOTHING} alone")
        if group == "programme":
            _check_programme(name)
    return named


def _check_programme(name: str) -> None:
    """Return if it may be a kind of programme; a slip in a known one would limit nothing."""
    meant = [] if name in set(ProgrammeKind) else get_close_matches(name, list(ProgrammeKind), 1)
    if meant or not name:
        raise ValueError(f"{name!r} is no kind of programme: is {meant[0] if meant else 'KIND'} meant?")


DEFAULT_SERVES: Final[Mapping[str, frozenset[str]]] = {
    "membership:tobacco": frozenset({"programme:tobacco", "purpose:working_capital"})
}
DEFAULT_LIMITS: Final = PurposeLimits(DEFAULT_SERVES)
"""A retailer's membership of a tobacco programme serves what that programme offers: its cards and working capital."""
UNLIMITED: Final = PurposeLimits()
