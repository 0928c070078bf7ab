"""What the ranker knows of a customer and of each product beside him: one way for training, batch and request.

Found in the bank's own data: profile, every extra column of the customers' file, holdings and their changes, activity,
contacts, relations, and the scores of every recommender. What is not known is nan. What a balance or a status says now
is no feature: it was another at a past moment, and would tell what came after it.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from functools import cached_property
from itertools import chain
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from graph.errors import ModelError
from graph.records import Interaction, Outcome, Scalar
from graph.words import Channel
from recommenders.batch import Batch
from recommenders.contract import Mask, Scores
from recommenders.view import CustomerView

logger = logging.getLogger("guanxi.features")

LAYOUT: Final = 2
"""Which features are made, in which order; another number for every change, as a model has learnt their places."""
MOST_WORDS: Final = 250
"""Values of a category that are told apart, the most frequent; the others are one."""
MOST_KINDS: Final = 12
MONTH_DAYS: Final = 30.4375
RECENT: Final = (1.05, 3.05, 12.05)
"""Months back that changes are counted over; the odd days let a month of 31 days count as one."""

PROFILE_NUMBERS: Final[Mapping[str, Callable[[CustomerView], float | None]]] = {
    "age": lambda c: c.age_in_years,
    "tenure": lambda c: c.months_with_bank,
    "income": lambda c: c.income,
    "credit_limit": lambda c: c.credit_limit,
    "salary_months": lambda c: c.salary_months if c.activity else None,
}
PROFILE_WORDS: Final = (
    "kind", "gender", "region", "occupation", "industry", "branch_code", "language", "risk_profile", "credit_tier",
    "stage",
)  # fmt: skip
FEATURES_OF: Final[Mapping[str, str]] = {"birth_date": "age", "joined_on": "tenure"}
"""What a feature is called that is made of a column of another name: it is shut out with its column."""
HELD: Final = ("held", "ever", "undated")
CHANGED: Final = (
    *(f"{what}_{months}" for what in ("opened", "closed") for months in ("1", "3", "12")),
    *("since_first_opening", "since_opening", "since_closing"),
)
FLOWS: Final = ("inflow", "outflow", "salary", "transactions", "lowest_balance", "closing_balance")
PAIR_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "holdings": ("holds", "times"),
    "changes": ("since_opened", "since_closed"),
    "contacts": ("contacts", "since_contact"),
    "relations": ("kin",),
}
"""Of a customer and a product: held now, held how often, months since, contacts of a year, relatives who hold it."""
PAIRS: Final = tuple(chain.from_iterable(PAIR_GROUPS.values()))


@dataclass(frozen=True)
class FeatureSchema:
    """Names and types of the features, learnt from the bank's data; travels in the artefact.

    Attributes:
        product_codes: the products that pair features and ``holds`` stand for, in this order.
        numbers, dates: the bank's own columns of these types.
        words: the values told apart of each category, most frequent first.
        interaction_kinds: the kinds of contact that are counted.
        recommenders: whose scores are features.
        relearnt: those of them that learn anew from each moment's portfolio.
        protected: columns that no feature is made of.
        seasonal: whether the month is a feature: only where moments saw each month of the year.
    """

    product_codes: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    interaction_kinds: tuple[str, ...] = ()
    recommenders: tuple[str, ...] = ()
    relearnt: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    seasonal: bool = False

    @cached_property
    def columns(self) -> Mapping[str, int]:
        """Each product's place in ``product_codes``."""
        return {code: column for column, code in enumerate(self.product_codes)}

    @cached_property
    def codes(self) -> Mapping[str, Mapping[str, float]]:
        """Each category's words, with their places."""
        return {name: {word: float(place) for place, word in enumerate(words)} for name, words in self.words.items()}

    @cached_property
    def _surprises(self) -> set[str]:
        return set()

    @property
    def number_names(self) -> tuple[str, ...]:
        """Names of the customer's numbers, in the order of their columns."""
        return tuple(chain.from_iterable(self._number_groups.values()))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the customer's columns: numbers, then categories."""
        return (*self.number_names, *self.words)

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Names of all columns, the customer's and the pair's, by what they tell of; each is in one group."""
        own = tuple(name for name in self.words if name.startswith("own:"))
        words = {"profile": tuple(name for name in self.words if name not in own), "own columns": own}
        known = {
            group: (*numbers, *words.get(group, ()), *PAIR_GROUPS.get(group, ()))
            for group, numbers in self._number_groups.items()
        }
        scores = {f"score:{name}": (f"score:{name}",) for name in self.recommenders}
        return {group: columns for group, columns in (known | scores).items() if columns}

    @property
    def _number_groups(self) -> dict[str, tuple[str, ...]]:
        flows = (f"{name}_{span}" for name in FLOWS for span in ("last", "3", "12"))
        by_channel, by_kind = (
            (f"contacts_{name}" for name in Channel),
            (f"contacts:{k}" for k in self.interaction_kinds),
        )
        return {
            "profile": tuple(name for name in PROFILE_NUMBERS if name not in self.protected),
            "holdings": HELD,
            "changes": CHANGED,
            "season": ("month",) if self.seasonal else (),
            "activity": ("since_activity", *flows),
            "contacts": ("contacts_3", "contacts_12", "since_contact_any", *by_channel, *by_kind),
            "relations": ("relations",),
            "own columns": tuple(f"own:{name}" for name in (*self.numbers, *self.dates)),
        }

    def as_json(self) -> dict[str, Any]:
        """Return what ``from_json`` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """Return the schema that ``as_json`` told of."""
        words = {name: tuple(values) for name, values in given["words"].items()}
        lists = {name: tuple(values) for name, values in given.items() if isinstance(values, list | tuple)}
        return cls(**lists, words=words, seasonal=given["seasonal"])

    def surprise(self, name: str, found: object) -> None:
        """Note, once, that the bank's column has another type than was learnt; its value counts as not known."""
        if name not in self._surprises:
            self._surprises.add(name)
            logger.warning(
                "column %s holds %s, and was learnt as another type: it counts as unknown until guanxi train is run",
                name,
                type(found).__name__,
            )

    @property
    def surprises(self) -> frozenset[str]:
        """Columns whose type has changed since training."""
        return frozenset(self._surprises)


@dataclass(frozen=True)
class Features:
    """``n`` customers beside the schema's ``m`` products.

    Attributes:
        customers: ``(n, p)`` float32, columns named by ``FeatureSchema.names``; categories as positions in their words.
        pairs: ``(n, m)`` float32 each, by name; a recommender's scores by ``score:NAME``.
    """

    customers: NDArray[np.float32]
    pairs: Mapping[str, NDArray[np.float32]]

    def __len__(self) -> int:
        return len(self.customers)

    @cached_property
    def held(self) -> Mask:
        """``(n, m)``: held at the moment."""
        return np.asarray(self.pairs["holds"] > 0)

    def take(self, rows: NDArray[np.intp]) -> "Features":
        """Return some of the customers."""
        return Features(self.customers[rows], {name: values[rows] for name, values in self.pairs.items()})

    @staticmethod
    def joined(parts: Sequence["Features"]) -> "Features":
        """Put parts of one schema together."""
        return Features(
            np.concatenate([part.customers for part in parts]),
            {name: np.concatenate([part.pairs[name] for part in parts]) for name in parts[0].pairs},
        )


def learn_schema(
    customers: Iterable[CustomerView],
    product_codes: Sequence[str],
    recommenders: Sequence[str],
    **options: Any,
) -> FeatureSchema:
    """Find the bank's own columns, their types and words, in a sample of its customers.

    A column that is a number in one row and a text in another is a category; one with a single value is no feature.
    ``options`` are fields of the schema that are not found in customers: ``relearnt``, ``protected``, ``seasonal``.

    Raises:
        ModelError: a protected column is none that the customers have.
    """
    given = options.get("protected", ())
    protected = options["protected"] = (*given, *(FEATURES_OF[name] for name in given if name in FEATURES_OF))
    words: dict[str, Counter[str]] = {}
    values: dict[str, set[Scalar]] = {}
    types: dict[str, set[type]] = {}
    kinds: Counter[str] = Counter()
    for customer in customers:
        for name in PROFILE_WORDS:
            value = getattr(customer, name)
            if value is not None:
                words.setdefault(name, Counter())[str(value)] += 1
        for name, own in customer.attributes.items():
            types.setdefault(name, set()).add(_type(own))
            words.setdefault(f"own:{name}", Counter())[str(own)] += 1
            if len(values.setdefault(name, set())) < 2:
                values[name].add(own)
        kinds.update(interaction.kind for interaction in customer.interactions)
    columns = {*PROFILE_WORDS, *PROFILE_NUMBERS, *FEATURES_OF, *types}
    if unknown := sorted(set(given) - columns):
        raise ModelError(f"GUANXI_PROTECTED names what is no column of the customers: {', '.join(unknown)}.")
    useful = [name for name in sorted(types) if len(values[name]) > 1 and name not in protected]
    numbers = tuple(name for name in useful if types[name] == {float})
    dates = tuple(name for name in useful if types[name] == {date})
    categories = [f"own:{name}" for name in useful if name not in numbers and name not in dates]
    return FeatureSchema(
        product_codes=tuple(product_codes),
        numbers=numbers,
        dates=dates,
        words={
            name: tuple(word for word, _ in words[name].most_common(MOST_WORDS))
            for name in (*PROFILE_WORDS, *categories)
            if len(words.get(name, ())) > 1 and name not in protected
        },
        interaction_kinds=tuple(kind for kind, _ in kinds.most_common(MOST_KINDS)),
        recommenders=tuple(recommenders),
        **options,
    )


def changes(learnt: FeatureSchema, found: FeatureSchema) -> list[str]:
    """Say which of the bank's own columns are not as they were learnt; ``found`` is learnt from them as they are."""
    before, after = _own_types(learnt), _own_types(found)
    told = [
        f"column {name} held {before[name]}s and now holds {after[name]}s: it counts as unknown"
        for name in sorted(before.keys() & after.keys())
        if before[name] != after[name]
    ]
    told += [f"column {name} is gone, or always the same now" for name in sorted(before.keys() - after.keys())]
    return told + [f"column {name} is new: no feature is made of it" for name in sorted(after.keys() - before.keys())]


def extract(schema: FeatureSchema, batch: Batch, scores: Mapping[str, Scores]) -> Features:
    """Return the features of a batch; ``scores`` are ``(n, m of the batch)``, by the recommender's name."""
    shape = len(batch.customers), len(schema.product_codes)
    pairs = {name: np.full(shape, np.nan, np.float32) for name in PAIRS}
    for name in ("holds", "times", "contacts", "kin"):
        pairs[name][:] = 0
    customers = np.empty((shape[0], len(schema.names)), np.float32)
    for row, customer in enumerate(batch.customers):
        words = [_word(schema, customer, name) for name in schema.words]
        customers[row] = _numbers(schema, customer, row, pairs) + words
    for name in schema.recommenders:
        pairs[f"score:{name}"] = aligned(scores.get(name), batch.catalogue.index, schema.product_codes, shape)
    return Features(customers, pairs)


def aligned(
    scores: Scores | None, index: Mapping[str, int], product_codes: Sequence[str], shape: tuple[int, int]
) -> Scores:
    """Return scores with a column for each of ``product_codes``; nan where there are none."""
    found = np.full(shape, np.nan, np.float32)
    if scores is not None:
        known = [(place, index[code]) for place, code in enumerate(product_codes) if code in index]
        found[:, [place for place, _ in known]] = scores[:, [column for _, column in known]]
    return found


def _own_types(schema: FeatureSchema) -> dict[str, str]:
    words = [name.removeprefix("own:") for name in schema.words if name.startswith("own:")]
    return dict.fromkeys(schema.numbers, "number") | dict.fromkeys(schema.dates, "date") | dict.fromkeys(words, "word")


def _type(value: Scalar) -> type:
    return float if isinstance(value, bool | int | float) else date if isinstance(value, date) else str


def _numbers(schema: FeatureSchema, customer: CustomerView, row: int, pairs: Mapping[str, Scores]) -> list[float]:
    numbers = [value(customer) for name, value in PROFILE_NUMBERS.items() if name not in schema.protected]
    numbers += _holdings(schema, customer, row, pairs)
    numbers += [customer.today.month] if schema.seasonal else []
    numbers += _activity(customer)
    numbers += _contacts(schema, customer, row, pairs)
    numbers.append(len(customer.relations))
    _kin(schema, customer, row, pairs)
    numbers += [_own_number(schema, customer, name) for name in schema.numbers]
    numbers += [_own_date(schema, customer, name) for name in schema.dates]
    return [np.nan if number is None else number for number in numbers]


def _holdings(
    schema: FeatureSchema, customer: CustomerView, row: int, pairs: Mapping[str, Scores]
) -> list[float | None]:
    columns = schema.columns
    opened, closed, undated, held = list[float](), list[float](), 0, 0
    for holding in customer.ever:
        age = None if holding.opened_on is None else _months(holding.opened_on, customer.today)
        gone = None if holding.closed_on is None else _months(holding.closed_on, customer.today)
        if age is None:
            undated += 1
        else:
            opened.append(age)
        if gone is None:
            held += 1
        else:
            closed.append(gone)
        column = columns.get(holding.product_code)
        if column is None:
            continue
        pairs["times"][row, column] += 1
        if gone is not None:
            pairs["since_closed"][row, column] = np.fmin(pairs["since_closed"][row, column], gone)
        else:
            pairs["holds"][row, column] = 1
            if age is not None:
                pairs["since_opened"][row, column] = age
    changes = [float(sum(age < months for age in ages)) for ages in (opened, closed) for months in RECENT]
    since = [max(opened, default=None), min(opened, default=None), min(closed, default=None)]
    return [held, len(customer.ever), undated, *changes, *since]


def _activity(customer: CustomerView) -> list[float | None]:
    months = customer.activity
    if not months:
        return [None] * (1 + 3 * len(FLOWS))
    found: list[float | None] = [float(customer.months_since_activity or 0)]
    for name in FLOWS:
        known = [value for month in months[-12:] if (value := getattr(month, name)) is not None]
        found += [known[-1] if known else None, _mean(known[-3:]), _mean(known)]
    return found


def _contacts(
    schema: FeatureSchema, customer: CustomerView, row: int, pairs: Mapping[str, Scores]
) -> list[float | None]:
    columns = schema.columns
    quarter = year = 0
    last: float | None = None
    by_channel = dict.fromkeys(Channel, 0)
    by_kind = dict.fromkeys(schema.interaction_kinds, 0)
    contacts: tuple[Interaction | Outcome, ...] = (*customer.interactions, *customer.outcomes)
    for contact in contacts:
        age = _months(contact.at, customer.today)
        last = age if last is None else min(last, age)
        column = columns.get(contact.product_code or "")
        if column is not None:
            pairs["since_contact"][row, column] = np.fmin(pairs["since_contact"][row, column], age)
        if age < RECENT[2]:
            year += 1
            quarter += age < RECENT[1]
            by_channel[contact.channel] += 1
            if contact.kind in by_kind:
                by_kind[contact.kind] += 1
            if column is not None:
                pairs["contacts"][row, column] += 1
    return [quarter, year, last, *by_channel.values(), *by_kind.values()]


def _kin(schema: FeatureSchema, customer: CustomerView, row: int, pairs: Mapping[str, Scores]) -> None:
    columns = schema.columns
    for code, number in customer.kin_holdings.items():
        if code in columns:
            pairs["kin"][row, columns[code]] = number


def _own_number(schema: FeatureSchema, customer: CustomerView, name: str) -> float | None:
    value = customer.attributes.get(name)
    if value is None or isinstance(value, bool | int | float):
        return value
    schema.surprise(name, value)
    return None


def _own_date(schema: FeatureSchema, customer: CustomerView, name: str) -> float | None:
    """Months since a day; one that lies ahead is not known yet."""
    value = customer.attributes.get(name)
    if value is not None and not isinstance(value, date):
        schema.surprise(name, value)
        return None
    return None if value is None or value > customer.today else _months(value, customer.today)


def _word(schema: FeatureSchema, customer: CustomerView, name: str) -> float:
    """Position among the words; one past the last for any other, nan where there is none."""
    own = name.startswith("own:")
    value = customer.attributes.get(name.removeprefix("own:")) if own else getattr(customer, name)
    if value is None:
        return np.nan
    codes = schema.codes[name]
    return codes.get(str(value), float(len(codes)))


def _months(day: date | datetime, today: date) -> float:
    return (today.toordinal() - day.toordinal()) / MONTH_DAYS


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
