"""One request's view of the bank: what its viewer may see, each thing read once, however many fields ask."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property, partial
from typing import Any, Final, TypeVar

from api import access, acts, comparing
from api.endings import OpenStreams
from api.errors import ApiError, Code
from api.events import Changes, Interactions
from api.live_engine import LiveEngine
from api.loading import Loader
from api.recent import Recent
from api.roles import Viewer
from api.trail import Trail
from api.webhooks.rules import WebhookRules
from graph import browsing, customers, deputies, instruments, products, programmes, webhooks
from graph.records import Account, Card, Customer, Holding, Product, Programme
from graph.store import Store
from graph.webhooks import Webhook
from recommenders.contract import Answer, Context, Decision
from recommenders.insight import Insight
from recommenders.likeness import Alike

SPARE: Final = 30

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Services:
    """What lives as long as the server."""

    store: Store
    engine: LiveEngine
    changes: Changes
    interactions: Interactions
    offer_secret: str
    webhooks: WebhookRules
    erasure_secret: str
    trail: Trail
    streams: OpenStreams = field(default_factory=OpenStreams)
    catalogue: Recent[dict[str, Product]] = field(init=False)
    programmes: Recent[list[Programme]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "catalogue", Recent(partial(_catalogue, self.store)))
        object.__setattr__(self, "programmes", Recent(partial(programmes.programmes, self.store)))


@dataclass
class Session:
    """Loads for one viewer. ``omitted`` collects the recommenders that had no say in this answer.

    ``plugin_values`` has a loader for each field of a plugin, and the arguments it is asked with.
    """

    services: Services
    bearer: Viewer | None
    omitted: set[str] = field(default_factory=set)
    plugin_values: dict[Hashable, Loader[str, Any]] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def viewer(self) -> Viewer:
        """Who asks.

        Raises:
            ApiError: UNAUTHENTICATED without a token, or on a socket that has outlived it.
        """
        if self.bearer is None:
            raise ApiError(Code.UNAUTHENTICATED, "Send the header Authorization: Bearer TOKEN.")
        if self.bearer.expires_at <= self.now:
            raise ApiError(Code.UNAUTHENTICATED, "The token has expired.")
        return self.bearer

    @property
    def today(self) -> date:
        """The day of the request."""
        return self.now.date()

    async def books(self) -> access.Books:
        """Return the managers whose customers the viewer sees, by today's grants too; none for other roles."""
        return await self._books.load("all")

    async def customer(self, customer_no: str) -> Customer | None:
        """Return a customer, whole, or None where he is not there for the viewer."""
        return self._noted(customer_no, await self._seen(self.whole, customer_no))

    async def customer_or_error(self, customer_no: str) -> Customer:
        """Return a customer, whole.

        Raises:
            ApiError: NOT_FOUND, also for one whom the viewer may not see.
        """
        found = await self.customer(customer_no)
        if found is None:
            raise ApiError(Code.NOT_FOUND, f"There is no customer {customer_no!r}.")
        return found

    async def profile(self, customer_no: str) -> Customer | None:
        """Return a customer's profile, or None where he is not there for the viewer."""
        return self._noted(customer_no, await self._seen(self.profiles, customer_no))

    async def relative(self, customer_no: str) -> Customer | None:
        """Return the profile of a customer whom nobody asked for by number, or None where he is not there."""
        return await self._seen(self.profiles, customer_no)

    def _noted(self, customer_no: str, found: Customer | None) -> Customer | None:
        """Have it in the audit log who was asked for, and whether he was there."""
        if found is not None:
            acts.note_given(customer_no)
        elif access.is_denied(self.viewer, customer_no):
            acts.note_sought(customer_no)
        return found

    async def _seen(self, loader: Loader[str, Customer | None], customer_no: str) -> Customer | None:
        if not access.may_look_for(self.viewer, customer_no):
            return None
        found = await loader.load(customer_no)
        return found if found is not None and access.sees_customer(self.viewer, await self.books(), found) else None

    async def holdings(self, record: Customer) -> Sequence[Holding]:
        """Return a customer's holdings: of who is read whole anyway, or else by a query that reads nothing else."""
        if self.whole.knows(record.customer_no):
            return (await self.whole.load(record.customer_no) or record).holdings
        return await self._holdings.load(record.customer_no)

    async def catalogue(self) -> dict[str, Product]:
        """Return every product by its code, to anybody with a token."""
        _ = self.viewer
        return await self._products.load("all")

    def catalogue_at_hand(self) -> dict[str, Product] | None:
        """Return the catalogue where nobody has to wait for it; None where it would have to be read."""
        _ = self.viewer
        return self.services.catalogue.at_hand()

    async def on_sale(self) -> dict[str, Product]:
        """Return the products that are sold today by their code."""
        return {code: found for code, found in (await self.catalogue()).items() if found.is_sold_on(self.today)}

    async def programmes(self) -> dict[str, Programme]:
        """Return the programmes the viewer may see, by their code."""
        return await self._programmes.load("all")

    async def answer(self, customer_no: str, context: Context) -> Answer:
        """Return a customer's offers and bundles."""
        answer = await self.answers.load((customer_no, context))
        self.omitted.update(answer.omitted)
        return answer

    async def decide(self, customer_no: str, product_code: str, context: Context) -> Decision:
        """Say why one product is, or is not, offered; raises NotFound for an unknown product."""
        return await self.services.engine.decide(await self.customer_or_error(customer_no), product_code, context)

    async def similar(self, customer_no: str) -> list[Alike]:
        """Return customers like one, of those the viewer may see, the most alike first."""
        return await self._similar.load(customer_no)

    async def likely(self, product_code: str, customer_nos: Sequence[str], count: int) -> list[tuple[Customer, float]]:
        """Return those of the customers who may be offered a product now, with their chances, the most likely first.

        ``customer_nos`` come in the order of an earlier day; some more than ``count`` are looked at, as some may have
        taken it, or taken back their consent, since.
        """
        wholes = await self.whole.load_many(list(customer_nos[: count + SPARE]))
        books = await self.books()
        seen = [whole for whole in wholes if whole is not None and access.sees_customer(self.viewer, books, whole)]
        if not seen or not count:
            return []
        engine = await self.services.engine.engine()
        column = engine.catalogue.index[product_code]
        page = await self.services.engine.look(seen, Context(self.today, None))
        chances = [
            (customer, float(page.propensities[row, column]))
            for row, customer in enumerate(seen)
            if page.refusals[row, column] < 0
        ]
        return sorted(chances, key=lambda found: (-found[1], found[0].customer_no))[:count]

    async def insight(self, customer_no: str) -> Insight | None:
        """Return what the bank thinks of a customer; None where that is not for the viewer."""
        return await self.insights.load(customer_no) if access.sees_insights(self.viewer) else None

    def forget(self, customer_no: str) -> None:
        """Read a customer anew when he is next asked for."""
        for loader in (self.whole, self.profiles, self._holdings):
            loader.clear(customer_no)
        self.plugin_values.clear()
        self.answers.clear_all()
        self.insights.clear_all()

    @cached_property
    def whole(self) -> Loader[str, Customer | None]:
        """Customers with all that hangs on them, by number."""
        return _by_key("customers", self._wholes, lambda customer: customer.customer_no)

    @cached_property
    def profiles(self) -> Loader[str, Customer | None]:
        """Customers without what hangs on them, by number."""
        return _by_key("profiles", self._profiles, lambda customer: customer.customer_no)

    @cached_property
    def _holdings(self) -> Loader[str, Sequence[Holding]]:
        return Loader("holdings", self._held)

    @cached_property
    def accounts(self) -> Loader[str, list[Account]]:
        """Each customer's accounts."""
        return Loader("accounts", self._accounts)

    @cached_property
    def cards(self) -> Loader[str, list[Card]]:
        """Each customer's cards."""
        return Loader("cards", self._cards)

    @cached_property
    def members(self) -> Loader[str, int]:
        """How many members each programme has, by its code."""
        return Loader("members", self._members)

    @cached_property
    def webhooks(self) -> Loader[str, Webhook | None]:
        """Webhooks, by id; for whom they are there for."""
        return _by_key("webhooks", self._webhooks, lambda webhook: webhook.webhook_id)

    @cached_property
    def answers(self) -> Loader[tuple[str, Context], Answer]:
        """Offers, by customer number and context."""
        return Loader("answers", self._answers)

    @cached_property
    def _similar(self) -> Loader[str, list[Alike]]:
        return Loader("similar", self._similars)

    @cached_property
    def insights(self) -> Loader[str, Insight | None]:
        """What the bank thinks of customers, by number."""
        return _by_key("insights", self._insights, lambda insight: insight.customer_no)

    @cached_property
    def _books(self) -> Loader[str, access.Books]:
        return Loader("books", self._read_books)

    @cached_property
    def _products(self) -> Loader[str, dict[str, Product]]:
        return Loader("products", self._read_products)

    @cached_property
    def _programmes(self) -> Loader[str, dict[str, Programme]]:
        return Loader("programmes", self._read_programmes)

    async def _wholes(self, customer_nos: Sequence[str]) -> list[Customer]:
        return await customers.load(self.services.store, customer_nos, await self._scope())

    async def _profiles(self, customer_nos: Sequence[str]) -> list[Customer]:
        return await browsing.profiles(self.services.store, customer_nos, await self._scope())

    async def _scope(self) -> access.Books | None:
        return await self.books() if access.is_bound_to_books(self.viewer) else None

    async def _similars(self, customer_nos: list[str]) -> list[list[Alike]]:
        services = self.services
        asked = [whole for whole in await self.whole.load_many(customer_nos) if whole is not None]
        found = await comparing.candidates(services.store, services.engine, self.viewer, asked)
        numbers = sorted(set[str]().union(*found.values()))
        wholes = [whole for whole in await self.whole.load_many(numbers) if whole is not None]
        books = await self.books()
        seen = [whole for whole in wholes if access.sees_customer(self.viewer, books, whole)]
        alike = {
            customer.customer_no: await comparing.compared(
                services.engine,
                customer,
                [other for other in seen if other.customer_no in found[customer.customer_no]],
                Context(self.today),
            )
            for customer in asked
        }
        return [alike.get(number, []) for number in customer_nos]

    async def _held(self, customer_nos: list[str]) -> list[Sequence[Holding]]:
        found = await customers.holdings(self.services.store, customer_nos)
        return [found.get(number, ()) for number in customer_nos]

    async def _accounts(self, customer_nos: list[str]) -> list[list[Account]]:
        grouped = defaultdict(list)
        for account in await instruments.accounts(self.services.store, customer_nos):
            grouped[account.customer_no].append(account)
        return [grouped[number] for number in customer_nos]

    async def _cards(self, customer_nos: list[str]) -> list[list[Card]]:
        grouped = defaultdict(list)
        for card in await instruments.cards(self.services.store, customer_nos):
            grouped[card.customer_no].append(card)
        return [grouped[number] for number in customer_nos]

    async def _members(self, codes: list[str]) -> list[int]:
        counts = await programmes.members(self.services.store)
        return [counts.get(code, 0) for code in codes]

    async def _webhooks(self, webhook_ids: Sequence[str]) -> list[Webhook]:
        return await webhooks.some(self.services.store, list(webhook_ids))

    async def _answers(self, keys: list[tuple[str, Context]]) -> list[Answer]:
        contexts = defaultdict(list)
        for customer_no, context in keys:
            contexts[context].append(customer_no)
        answers = {}
        for context, numbers in contexts.items():
            records = [record for record in await self.whole.load_many(numbers) if record is not None]
            for answer in await self.services.engine.answer(records, context):
                answers[answer.customer_no, context] = answer
        return [answers.get(key) or Answer(key[0], (), ()) for key in keys]

    async def _insights(self, customer_nos: Sequence[str]) -> list[Insight]:
        records = [record for record in await self.whole.load_many(list(customer_nos)) if record is not None]
        return await self.services.engine.insights(records, self.today)

    async def _read_books(self, keys: list[str]) -> list[access.Books]:
        if not access.is_bound_to_books(self.viewer):
            return [()] * len(keys)
        own = self.viewer.key
        return [(own, *await deputies.books(self.services.store, own, self.today))] * len(keys)

    async def _read_products(self, keys: list[str]) -> list[dict[str, Product]]:
        return [await self.services.catalogue.value()] * len(keys)

    async def _read_programmes(self, keys: list[str]) -> list[dict[str, Programme]]:
        found = await self.services.programmes.value()
        seen = {p.programme_code: p for p in found if access.sees_programme(self.viewer, p)}
        return [seen] * len(keys)


async def _catalogue(store: Store) -> dict[str, Product]:
    return {product.product_code: product for product in await products.catalogue(store)}


def _by_key(
    name: str, read: Callable[[Sequence[str]], Awaitable[list[Value]]], key: Callable[[Value], str]
) -> Loader[str, Value | None]:
    async def load(keys: list[str]) -> list[Value | None]:
        found = {key(value): value for value in await read(keys)}
        return [found.get(wanted) for wanted in keys]

    return Loader(name, load)
