"""A plugin's failure as its owner is told of it, with customers who are nobody."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final, Protocol, TypeAlias

from graph.records import Customer, Product
from plugins.about import API_VERSION
from plugins.failures.anonymising import MOST_SAID, Disguise, said_by
from plugins.failures.telling import Frame, frames_of, own_words, placed, placed_with, row_of, text_of
from plugins.failures.words import words_of
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Context
from recommenders.view import CustomerView

MOST_CUSTOMERS: Final = 5
"""Of a batch in which nobody knows whom it failed on."""
LOADING: Final = "loading"
SETTINGS: Final = "settings"
SCHEMA: Final = "schema"
RULES: Final = "rules"
"""What a plugin fails at as a whole, before any customer is seen."""

Arguments: TypeAlias = Callable[[Disguise], Mapping[str, Any]]
"""Gives a field's arguments, made nobody's, as JSON can say them."""


class Owned(Protocol):
    """A plugin, as failures tell of it."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str | None: ...  # noqa: D102
    @property
    def owner(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Asked:
    """What a plugin was asked when it failed.

    Attributes:
        batch: of whom and of which products; of nobody where it failed before that.
        programme: the code that a programme's field was asked of.
        arguments: what a field was asked with.
        is_safe: whether it had seen nothing that its error must not quote, neither a customer nor a secret.
    """

    batch: Batch
    programme: str | None = None
    arguments: Arguments = lambda _: {}
    is_safe: bool = False

    @classmethod
    def of(
        cls, customers: tuple[CustomerView, ...] = (), products: Iterable[Product] = (), *, is_safe: bool = False
    ) -> "Asked":
        """Make it of customers, on their day, or of products today."""
        today = customers[0].today if customers else datetime.now(UTC).date()
        channel = customers[0].channel if customers else None
        return cls(Batch(customers, Catalogue(tuple(products)), Context(today, channel)), is_safe=is_safe)

    def said_by(self, error: BaseException) -> str:
        """Return what an error says, as far as that is nobody's."""
        said = text_of(error) if self.is_safe else own_words(error)
        return said_by(error) if said is None else said[:MOST_SAID]


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as its owner is told of it.

    Attributes:
        hook: by which the item was registered; or ``loading``, ``settings``, ``schema``, or ``rules``, which are its
            bundles and levers.
        item: the recommender's or job's name, the gate's or event's code, a type and its field (``Customer.seat``),
            or the plugin's name.
        api: version of the plugin API that it failed under.
        place: the error's type and place, and what guanxi itself says of it.
        said: what the error says, as far as that is nobody's.
        customers: who it failed on, made nobody; the one, where that is known; none where it was asked of none.
        programme: the code that a programme's field failed on.
        arguments: a field's, as JSON can say them.
    """

    plugin: str
    version: str | None
    owner: str | None
    hook: str
    item: str
    api: str
    at: datetime
    place: str
    said: str
    frames: tuple[Frame, ...]
    today: date
    channel: str | None
    customers: tuple[Customer, ...]
    products: tuple[Product, ...]
    programme: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, plugin: Owned, hook: str, item: str, error: BaseException, asked: Asked) -> "Failure":
        """Make what is told of a failure."""
        batch, row, disguise = asked.batch, row_of(error), Disguise(words_of(plugin.source))
        said = asked.said_by(error)
        failed = batch.customers[:MOST_CUSTOMERS] if row is None else batch.customers[row : row + 1]
        return cls(
            plugin.name,
            plugin.version,
            plugin.owner,
            hook,
            item,
            API_VERSION,
            datetime.now(UTC),
            placed_with(error, said) if asked.is_safe else placed(error),
            said,
            frames_of(error),
            disguise.day(batch.context.today),
            batch.context.channel,
            tuple(disguise.record(customer.__reduce__()[1][0]) for customer in failed),
            tuple(disguise.product(product) for product in batch.catalogue),
            asked.programme,
            asked.arguments(disguise),
        )

    def batch(self) -> Batch:
        """Return the customers, to ask the plugin of again."""
        seen = [CustomerView(record, self.today, self.channel) for record in self.customers]
        return Batch(seen, Catalogue(self.products), Context(self.today, self.channel))
