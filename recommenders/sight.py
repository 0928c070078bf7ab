"""What a plugin sees: records, batches and portfolios without the kinds of data that its permissions do not cover.

Its words are those of ``recommenders.purposes`` (``membership:KIND``, ``attribute:COLUMN``, ``activity``,
``interactions``, ``outcomes``, ``relations``), each column of the profile by its name, and what ``WORDS`` adds.
"""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property, partial
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from graph.errors import PluginError
from graph.records import Customer, Membership, Scalar
from graph.words import CustomerKind, ProgrammeKind, RelationKind
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.insight import CustomerScores, Insight
from recommenders.purposes import ATTRIBUTE, COLUMNS, MEMBERSHIP
from recommenders.view import CustomerView

if TYPE_CHECKING:
    from recommenders.portfolio import Portfolio

IDENTIFIERS: Final = "identifiers"
KIN: Final = "kin"
SEGMENT: Final = "segment"
SCORES: Final = "scores"
NAMING: Final = frozenset({"name", "manager_no"})
"""Columns that identify somebody."""
PROFILE: Final = frozenset(COLUMNS - NAMING - {"marketing_consent"})
"""Columns of the customers' file, each a word of its own."""
WORDS: Final[Mapping[str, str]] = {
    "attributes": "every column that the bank adds to the customers' file",
    "attribute:COLUMN": "one of them",
    "memberships": "memberships of every kind of programme",
    "membership:KIND": f"those of one kind of programme: {', '.join(ProgrammeKind)}, or another of the bank's",
    "holdings": "products held and once held, with dates and balances",
    "activity": "months of activity",
    "interactions": "what happened between bank and customer; notes only with identifiers",
    "outcomes": "what became of earlier offers",
    "consents": "what he said of purposes and channels",
    "relations": "relations and employer, of others no more than a pseudonym",
    KIN: "what relatives hold, and what a family owes on its limit",
    SEGMENT: "the customers he is like, as the model finds by all that is known of him",
    SCORES: "whether he may leave, and what he is worth, as the model says by all that is known of him",
    IDENTIFIERS: "true customer and reference numbers, names, notes; without it, pseudonyms",
}
"""The words beside the profile's columns, and what each covers."""
TOLD: Final = frozenset({SEGMENT, SCORES})
"""What is found by a model, and is not looked for unless a plugin names it."""
RESERVED: Final = frozenset({IDENTIFIERS, KIN}) | TOLD
"""What is seen only by whoever names it."""
ALL: Final = frozenset(PROFILE | {word for word in WORDS if ":" not in word})
RECORDED: Final = ALL - TOLD
"""What the records tell."""
GROUPS: Final[Mapping[str, str]] = {ATTRIBUTE: "attributes", MEMBERSHIP: "memberships"}
LISTS: Final = {
    "holdings": "holdings",
    "activity": "activity",
    "interactions": "interactions",
    "outcomes": "outcomes",
    "consents": "consents",
    "relations": "relations",
    KIN: "kin",
}
"""Fields of a record that a word covers whole."""
NOTHING: Final[Mapping[str, Any]] = {
    own.name: getattr(Customer("", CustomerKind.PERSON), own.name) for own in fields(Customer)
}
"""A record's fields, and what each is where nothing is known."""
_KEY: Final = secrets.token_bytes(32)


def pseudonym(number: str) -> str:
    """Return what stands for a number: the same as long as this process lives, and of no use elsewhere."""
    return f"~{blake2b(number.encode(), key=_KEY, digest_size=9).hexdigest()}"


@dataclass(frozen=True, eq=False)
class Sight:
    """What permissions cover.

    Attributes:
        words: the permissions; a word of a whole group stands for each of it.
    """

    words: frozenset[str]

    @classmethod
    def of(cls, permissions: Collection[str] | None) -> "Sight":
        """Read permissions; None for all but what is reserved. The same permissions are one sight.

        Raises:
            PluginError: a word is none.
        """
        if permissions is None:
            return _sight(ALL - RESERVED)
        if isinstance(permissions, str):
            raise PluginError(f"its permissions are the text {permissions!r}, not a collection of words")
        return _sight(frozenset(_checked(word) for word in permissions))

    def sees(self, word: str) -> bool:
        """Whether a kind of data is covered."""
        return word in self.words or GROUPS.get(word.partition(":")[0]) in self.words

    @cached_property
    def is_whole(self) -> bool:
        """Whether everything is covered that is recorded, and nothing besides."""
        return self.words >= RECORDED and not self.is_told

    @cached_property
    def is_told(self) -> bool:
        """Whether anything is covered that a model finds."""
        return not TOLD.isdisjoint(self.words)

    def number(self, number: str) -> str:
        """Return a customer's or reference number as it is seen."""
        return number if self.sees(IDENTIFIERS) else pseudonym(number)

    def record(self, record: Customer) -> Customer:
        """Return a record without what is not covered."""
        parts = self._parts
        return cast(Customer, _Seen(lambda name: parts[name](record)))

    def insight(self, insight: Insight) -> Insight:
        """Return what a model says of a customer, without what is not covered."""
        segment = insight.segment if self.sees(SEGMENT) else None
        scores = insight.scores if self.sees(SCORES) else CustomerScores()
        return Insight(self.number(insight.customer_no), segment, scores)

    def view(self, customer: CustomerView) -> CustomerView:
        """Return a customer without what is not covered."""
        return customer if self.is_whole else customer.changed(self.record, self.insight if self.is_told else None)

    def batch(self, batch: Batch) -> Batch:
        """Return a batch without what is not covered; the same one each time it is asked for."""
        if self.is_whole:
            return batch
        seen = batch.seen_by.get(self)
        if seen is None:
            customers = batch.told if self.is_told else batch.customers
            seen = Batch([self.view(customer) for customer in customers], batch.catalogue, batch.context)
            batch.seen_by[self] = seen
        return seen

    def portfolio(self, portfolio: "Portfolio") -> "Portfolio":
        """Return a portfolio without the holdings and groups, and its customers without what is not covered."""
        if self.is_whole:
            return portfolio
        kinds = programme_kinds(portfolio.catalogue)
        keys = portfolio.cohort_keys
        batch = self.batch(portfolio.batch) if portfolio.make_batch else None  # what makes it could lead to all
        kept = [place for place, key in enumerate(keys) if self._sees_group(key, kinds)]
        less = replace(
            portfolio,
            cohort_keys=tuple(self._group(keys[place]) for place in kept),
            cohorts=portfolio.cohorts[:, np.array(kept, np.intp)],
            make_batch=None if batch is None else lambda: batch,
        )
        if self.sees("holdings"):
            return less
        return replace(less, held=type(portfolio.held)(portfolio.held.shape, dtype=np.float32), first=None, last=None)

    def true_path(self, path: Sequence[str], customer: CustomerView) -> tuple[str, ...]:
        """Return a reason's path with the numbers that its pseudonyms stand for: the customer's, and his relations'."""
        if self.sees(IDENTIFIERS):
            return tuple(path)
        numbers = (customer.customer_no, *(relation.customer_no for relation in customer.relations))
        true = {pseudonym(number): number for number in numbers}
        return tuple(true.get(word, word) for word in path)

    @cached_property
    def _parts(self) -> Mapping[str, Callable[[Customer], Any]]:
        """What gives each field of a record as it is seen."""
        parts: dict[str, Callable[[Customer], Any]] = {name: attrgetter(name) for name in NOTHING}
        parts |= {name: partial(_nothing, name) for name in self._hidden}
        if "attributes" in self._hidden:
            parts["attributes"] = partial(_attributes, self._attributes)
        if "memberships" in self._hidden:
            parts["memberships"] = partial(_memberships, self._memberships)
        if not self.sees(IDENTIFIERS):
            parts |= {name: partial(_unnamed, parts[name], unname) for name, unname in UNNAMED.items()}
            parts["customer_no"] = lambda record: pseudonym(record.customer_no)
        return parts

    @cached_property
    def _hidden(self) -> Collection[str]:
        """The fields of a record that are not covered, or not whole."""
        hidden = set(PROFILE - self.words)
        hidden |= set() if self.sees("consents") else {"marketing_consent", "consent_version"}
        hidden |= set() if self.sees(IDENTIFIERS) else NAMING
        hidden |= {name for word, name in LISTS.items() if not self.sees(word)}
        hidden |= {"attributes", "memberships"} - self.words
        sees_family = self.sees(KIN) and self.sees(f"{MEMBERSHIP}:{ProgrammeKind.FAMILY}")
        hidden |= set() if sees_family else {"family"}
        return hidden

    @cached_property
    def _attributes(self) -> frozenset[str]:
        """The attributes that are covered, where not all are."""
        return self._named(ATTRIBUTE)

    @cached_property
    def _memberships(self) -> frozenset[str]:
        """The kinds of programmes whose memberships are covered, where not all are."""
        return self._named(MEMBERSHIP)

    def _named(self, group: str) -> frozenset[str]:
        if GROUPS[group] in self.words:
            return frozenset()
        return frozenset(word.partition(":")[2] for word in self.words if word.startswith(f"{group}:"))

    def _sees_group(self, key: tuple[str, str], kinds: Mapping[str, str]) -> bool:
        group, name = key
        if group != "programme":
            return self.sees("relations")
        return "memberships" in self.words or (name in kinds and self.sees(f"{MEMBERSHIP}:{kinds[name]}"))

    def _group(self, key: tuple[str, str]) -> tuple[str, str]:
        group, name = key
        return (group, self.number(name)) if group == RelationKind.EMPLOYER else key


class _Seen:
    """A record as it is seen, each field when it is first asked for; it goes to another process as that record."""

    def __init__(self, see: Callable[[str], Any]) -> None:
        self._see = see

    def __getattr__(self, name: str) -> Any:
        if name not in NOTHING:
            raise AttributeError(f"{Customer.__name__!r} object has no attribute {name!r}")
        value = self.__dict__[name] = self._see(name)
        return value

    def __reduce__(self) -> tuple[type[Customer], tuple[Any, ...]]:
        return Customer, tuple(getattr(self, name) for name in NOTHING)

    def __repr__(self) -> str:
        return repr(Customer(*self.__reduce__()[1]))


def _nothing(name: str, _: Customer) -> object:
    return NOTHING[name]


def _attributes(names: Collection[str], record: Customer) -> Mapping[str, Scalar]:
    return {name: value for name, value in record.attributes.items() if name in names}


def _memberships(kinds: Collection[str], record: Customer) -> tuple[Membership, ...]:
    return tuple(one for one in record.memberships if one.programme_kind in kinds)


def _unnamed(see: Callable[[Customer], Any], unname: Callable[[Any], object], record: Customer) -> tuple[object, ...]:
    return tuple(map(unname, see(record)))


@cache
def _sight(words: frozenset[str]) -> Sight:
    return Sight(words)


def programme_kinds(catalogue: Catalogue) -> dict[str, str]:
    """Return the kind of each programme that has a product."""
    return {p.programme_code: p.programme_kind for p in catalogue if p.programme_code and p.programme_kind}


def _checked(word: object) -> str:
    group, _, name = str(word).partition(":")
    if group == ATTRIBUTE and name in PROFILE:
        return name
    known = word in ALL or (group == ATTRIBUTE and name and name not in COLUMNS)
    if not known and not (group == MEMBERSHIP and name):
        words = ", ".join([*sorted(PROFILE), *WORDS])
        raise PluginError(f"its permission {word!r} is no kind of data: those are {words}")
    return str(word)


UNNAMED: Final[Mapping[str, Callable[[Any], object]]] = {
    "memberships": lambda one: one if one.reference is None else replace(one, reference=None),
    "relations": lambda one: replace(one, customer_no=pseudonym(one.customer_no)),
    "kin": lambda one: replace(one, customer_no=pseudonym(one.customer_no)),
    "family": lambda one: replace(
        one, customer_no=pseudonym(one.customer_no), principal_no=pseudonym(one.principal_no)
    ),
    "interactions": lambda one: replace(one, interaction_id=pseudonym(one.interaction_id), note=None),
    "outcomes": lambda one: replace(one, offer_id=pseudonym(one.offer_id)),
    "consents": lambda one: one if one.recorded_by is None else replace(one, recorded_by=None),
}
"""What makes of one of a record's parts one that names nobody."""
