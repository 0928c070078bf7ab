"""What a plugin adds to the sample bank: rows of what is sold with whom, and a part in the story of who took it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from loaders.sample_village import Person, Village

Rows: TypeAlias = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Firm:
    """A firm while the story is told; ``turnover`` is its monthly inflow."""

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
    shops: tuple[str, str] | None = None
    youth: "Callable[[Village, Person], None] | None" = None
    adult: "Callable[[Village, Person, str], None] | None" = None
    settled: "Callable[[Village, Person, str], None] | None" = None
    couple: "Callable[[Village, list[Person], list[Person]], None] | None" = None
    firm: "Callable[[Village, Firm], None] | None" = None
    last: "Callable[[Village], None] | None" = None
