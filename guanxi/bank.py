"""A bank at hand, in a notebook or a test: its tables as frames, and its offers, without a word of asyncio."""

import atexit
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime
from functools import cached_property, partial
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Final, Self

import polars as pl

from graph import customers, portfolio, tables
from graph.errors import GuanxiError, NotFound, PluginError, SettingsError
from graph.rows import EXTRA
from graph.store import Row, Store
from graph.words import Channel, Language
from guanxi.days import as_day
from guanxi.deciding import model_in_force
from guanxi.opening import log_in, store_login
from guanxi.plugin_loading import load_plugins
from guanxi.portal import daemon_portal
from guanxi.reading import read_catalogue, read_lives
from guanxi.settings import Settings
from guanxi.stored_settings import take_stored
from guanxi.training import keep, learn, live_model
from loaders.tables import TABLES, ColumnType
from plugins.deciding import build_engine
from plugins.failures.reports import UNREPORTED
from plugins.functions import MARK, FunctionRecommender
from plugins.hookspecs import hookimpl
from plugins.host import PluginHost
from plugins.infos import PluginInfo
from plugins.life.reloading import add_anew
from plugins.life.stages import Lives
from plugins.loading import Found, of_path
from plugins.registration import is_plugin
from plugins.replacing import add_again
from recommenders.artefact import Model, as_kept
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Answer, Context, Decision, Recommender, Trainable
from recommenders.engine import Engine
from recommenders.insight import Tell
from recommenders.known_customers import read_customers
from recommenders.passes import Passes
from recommenders.telling import learnt_of, told
from recommenders.training import Trained, read_ledger
from recommenders.view import CustomerView

logger = logging.getLogger("guanxi")

TYPES: Final[Mapping[ColumnType, pl.DataType]] = {
    "text": pl.String(),
    "number": pl.Float64(),
    "integer": pl.Int64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "month": pl.String(),
    "moment": pl.Datetime(time_zone="UTC"),
    "list": pl.List(pl.String),
    "word": pl.String(),
    "days": pl.List(pl.String),
}
HERE: Final = UNREPORTED
"""The source of a plugin that is added as an object."""
TAKES: Final = (
    "Add a function with @recommender, a recommender (with name, version and propose), a module or an object with "
    "hooks, or the path of a plugin."
)
MARK_IT: Final = "Put a function below @recommender, or a hook below @hookimpl."
OFFERS: Final = pl.Schema(
    {
        "customer_no": pl.String(),
        "rank": pl.Int32(),
        "product_code": pl.String(),
        "propensity": pl.Float64(),
        "value": pl.Float64(),
        "priority": pl.Float64(),
        "recommenders": pl.List(pl.String()),
        "reason": pl.String(),
    }
)


class Bank:
    """The bank of a store, decided on one day; close it, or use it as a context manager.

    Attributes:
        settings: where its store and models are.
        today: the day of its decisions.
        given: says of customers beside offers what the model otherwise does.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        host: PluginHost | None = None,
        today: date | str | None = None,
        given: Tell | None = None,
    ) -> None:
        self._given = given
        self._host = host
        self.today = datetime.now(UTC).date() if today is None else as_day(today)
        self.settings = settings
        self._added, self._only_here = set[str](), set[str]()
        self._is_closed = False
        with ExitStack() as held:
            login = held.enter_context(store_login(settings))  # here, to be given back whatever the loop is at
            self._portal = held.enter_context(daemon_portal("bank", log_in(settings, login)))
            self.store: Store = self._portal.held
            self._held = held.pop_all()
        atexit.register(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the store back; it is done when Python ends, at the latest."""
        atexit.unregister(self.close)
        self._is_closed = True
        self._held.close()

    def run(self, work: Callable[..., Any], *arguments: object) -> Any:
        """Wait for an asynchronous function, wherever this is called from: a notebook has a loop of its own.

        Raises:
            GuanxiError: the bank is closed.
        """
        if self._is_closed:
            raise GuanxiError("The bank is closed; guanxi.open() opens it again.")
        return self._portal.call(work, *arguments)

    def table(self, name: str) -> pl.DataFrame:
        """Return a table of the bank's format as a frame, with the bank's further columns.

        Raises:
            NotFound: the format has no such table.
        """
        if name not in TABLES:
            raise NotFound("table", name)
        rows = self.run(_gathered, self.store, name)
        known = {column.name: TYPES[column.reads] for column in TABLES[name].columns}
        extras = sorted({key for row in rows for key in row if key.startswith(EXTRA)})
        cells = {
            **{key: pl.Series(key, [row.get(key) for row in rows], kind) for key, kind in known.items()},
            **{key.removeprefix(EXTRA): [row.get(key) for row in rows] for key in extras},
        }
        return pl.DataFrame(cells)

    @cached_property
    def host(self) -> PluginHost:
        """The plugins it decides with."""
        found: PluginHost = self.run(take_stored, self.store, self._host or load_plugins(self.settings))
        return found

    def pages(self, size: int = 1_000) -> Iterator[list[str]]:
        """Yield the numbers of all customers in order, some at a time: what ``offers`` and others take."""
        found = customers.pages(self.store, size)
        while (page := self.run(anext, found, None)) is not None:
            yield page

    @cached_property
    def model(self) -> Model | None:
        """The model in force."""
        return model_in_force(self.settings)

    @property
    def tell(self) -> Tell:
        """Says of customers what is known beside offers: the model, unless something else is given."""
        return self._given or learnt_of(self.model).tell

    @cached_property
    def catalogue(self) -> Catalogue:
        """The bank's products, with what its plugins say is theirs."""
        _ = self.host
        found: Catalogue = self.run(read_catalogue, self.store, self.settings)
        return found

    @property
    def lives(self) -> Lives:
        """The stages of its plugins; one that was added here is live."""
        return self._stored_lives().with_live(self._added)

    @cached_property
    def engine(self) -> Engine:
        """The engine, with every plugin by its stage."""
        return build_engine(self.catalogue, self.host, self.model, self.lives, tell=self.tell)

    def add(self, plugin: object) -> PluginInfo:
        """Decide with one plugin more: a function below ``@recommender``, a recommender, a module, or the path of one.

        An object with hooks is taken as well. It takes the place of what was added before by the same name, or of the
        same path.

        Raises:
            PluginError: it cannot be loaded, or registers nothing; what was there before stays.
        """
        served = {own.name for own in self.host.plugins if own.key not in self._only_here}
        info = take_in(self.host, plugin)
        self._added.add(info.name)
        if info.source == HERE or info.name not in served:
            self._only_here.add(info.key)
        self.__dict__.pop("engine", None)
        return info

    def leave(self, plugin: Found) -> None:
        """Decide without a plugin that may be loaded, or installed, from here on."""
        self.host.leave(plugin)
        self.__dict__.pop("engine", None)

    def customer(self, customer_no: str, channel: Channel | None = Channel.MOBILE) -> CustomerView:
        """Return a customer as plugins see him; raises NotFound for an unknown one."""
        return told(self.tell, self.catalogue, self._records([customer_no]), Context(self.today, channel))[0]

    def answers(
        self,
        customer_nos: Iterable[str] | str,
        channel: Channel | None = None,
        top: int = 3,
        engine: Engine | None = None,
    ) -> list[Answer]:
        """Return what each of the customers, or the one, is offered, by the bank's own engine or another.

        Raises:
            NotFound: a customer is unknown.
            SettingsError: ``top`` is no number of offers.
        """
        if not isinstance(top, int) or top < 1:
            raise SettingsError(f"top is a whole number from 1 on, and not {top!r}.")
        return (engine or self.engine).answer(self._records(customer_nos), Context(self.today, channel, top))

    def offers(
        self,
        customer_nos: Iterable[str] | str,
        channel: Channel | None = None,
        top: int = 3,
        engine: Engine | None = None,
    ) -> pl.DataFrame:
        """Return offers to customers, or to one, as a frame, one row an offer, by the bank's own engine or another.

        Raises:
            NotFound: a customer is unknown.
            SettingsError: ``top`` is no number of offers.
        """
        rows = [
            (
                answer.customer_no,
                offer.rank,
                offer.product.product_code,
                offer.propensity,
                offer.value,
                offer.priority,
                list(offer.recommenders),
                offer.reasons[0].text[Language.EN] if offer.reasons else None,
            )
            for answer in self.answers(customer_nos, channel, top, engine)
            for offer in answer.offers
        ]
        return pl.DataFrame(rows, OFFERS, orient="row")

    def decide(self, customer_no: str, product_code: str, channel: Channel | None = Channel.MOBILE) -> Decision:
        """Say why a product is, or is not, offered; raises NotFound for an unknown customer or product."""
        return self.engine.decide(self._records([customer_no])[0], product_code, Context(self.today, channel))

    def batch(self, customer_nos: Iterable[str] | str, channel: Channel | None = None) -> Batch:
        """Return customers, or one, with all that is known; a recommender is given less where purposes are limited.

        Raises:
            NotFound: one is unknown.
        """
        return Passes.of(self._records(customer_nos), self.catalogue, Context(self.today, channel), self.tell).whole

    def learnt(self, name: str) -> Recommender:
        """Return one of the recommenders, trained on this bank's portfolio as it is today if it learns at all.

        It answers from what it learnt as a model keeps that.

        Raises:
            NotFound: no recommender has that name.
            NotLearnt: what it learnt cannot be kept; whatever else it raises in learning.
        """
        recommender = next((found for found in self.host.recommenders() if found.name == name), None)
        if recommender is None:
            raise NotFound("recommender", name)
        if not isinstance(recommender, Trainable):
            return recommender
        ledger = self.run(read_ledger, self.store, self.catalogue, lambda _: None)
        known = ledger.portfolio(self.today)
        read = self.run(read_customers, partial(portfolio.load, self.store), ledger, [recommender])
        arrays = recommender.fit(read.beside(known, self.tell) if read else known)
        return recommender.with_arrays(as_kept(arrays), self.catalogue.codes)

    def train(self) -> Model:
        """Learn a model from this bank as it is today, put it in force, and return it.

        Where it evaluates worse than the one in force, that stays, and the log says so; this bank decides by the new
        one either way. The ranker learns from plugins alone that are live, and not only here.
        """
        live, host = live_model(self.settings), self.host
        unranked = self._stored_lives().unranked(host) | {
            own.name for own, info in host.of("recommenders") if info.key in self._only_here
        }
        trained: Trained = self.run(learn, self.settings, self.store, self.catalogue, host, unranked, self.today, live)
        why_not = trained.comparison.why_worse if trained.comparison else None
        kept = keep(self.settings, trained.model, why_not)
        if why_not is not None:
            logger.warning("%s", kept)
        self.__dict__ |= {"model": trained.model}
        self.__dict__.pop("engine", None)
        return trained.model

    def _stored_lives(self) -> Lives:
        found: Lives = self.run(read_lives, self.store, self.settings)
        return found

    def _records(self, customer_nos: Iterable[str] | str) -> list[Any]:
        asked = [customer_nos] if isinstance(customer_nos, str) else list(customer_nos)
        found = self.run(customers.load, self.store, asked)
        missing = set(asked) - {record.customer_no for record in found}
        if missing:
            raise NotFound("customer", min(missing))
        return list(found)


def open_bank(home: Path | str | None = None, *, today: date | str | None = None) -> Bank:
    """Open the bank of the settings, or of a home: ``guanxi.open()``; a day may be a text, as ``"2026-06-30"``.

    Raises:
        SettingsError: ``today`` is no day.

    Example:
        >>> bank = guanxi.open()
        >>> bank.table("holdings").group_by("product_code").len()
        >>> bank.offers(["C000001"])
    """
    return Bank(Settings() if home is None else Settings(home=Path(home)), today=today)


def take_in(host: PluginHost, plugin: object) -> PluginInfo:
    """Have a host load a plugin: all that ``TAKES`` names, or what was found.

    It takes the place of the same, loaded before.

    Raises:
        PluginError: it cannot be loaded, or registers nothing; what was there before stays.
    """
    if isinstance(plugin, Found):
        info = _added_found(host, plugin)
    elif isinstance(plugin, str | Path):
        info = _added_path(host, Path(plugin))
    else:
        info = _added_object(host, plugin)
    if info.error is not None:
        raise PluginError(f"The plugin {info.name} is {info.state}: {info.error}")
    return info


class _Registering:
    """Registers a recommender that is added as it is."""

    def __init__(self, recommender: Recommender) -> None:
        self._recommender = recommender

    @hookimpl
    def recommenders(self, register: Callable[[Recommender], None]) -> None:
        register(self._recommender)


def _added_path(host: PluginHost, path: Path) -> PluginInfo:
    if not path.exists():
        raise PluginError(f"There is no file or folder {path}. {TAKES}")
    return _added_found(host, of_path(path), f"The {'folder' if path.is_dir() else 'file'} {path}", TAKES)


def _added_found(host: PluginHost, found: Found, named: str = "It", cure: str = MARK_IT) -> PluginInfo:
    def check(info: PluginInfo) -> None:
        if any(own.info is info and not is_plugin(own.plugin) for own in host.loaded):
            raise PluginError(f"{named} registers nothing. {cure}")

    return add_anew(host, found, check=check)


def _added_object(host: PluginHost, plugin: object) -> PluginInfo:
    name, module = _name(plugin), None
    if not is_plugin(plugin):
        if isinstance(plugin, type | ModuleType) or not isinstance(plugin, Recommender):
            kind = "class" if isinstance(plugin, type) else type(plugin).__name__
            told = f"The {kind} {getattr(plugin, '__name__', '')}".rstrip()
            instead = ": add an instance of it" if isinstance(plugin, type) else ""
            raise PluginError(f"{told} registers nothing{instead}. {TAKES}")
        name, module, plugin = plugin.name, type(plugin).__module__, _Registering(plugin)
    return add_again(host, [f"{HERE}:{name}"], partial(host.add, plugin, name, HERE, module))


def _name(plugin: object) -> str:
    """Its recommender's name, of a function; else its own, or its type's."""
    marked = getattr(plugin, MARK, None)
    if isinstance(marked, FunctionRecommender):
        return marked.name
    return str(getattr(plugin, "__name__", type(plugin).__name__))


async def _gathered(store: Store, table: str) -> list[Row]:
    return [row async for row in tables.rows(store, table)]
