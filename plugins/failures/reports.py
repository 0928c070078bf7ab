"""Tells a plugin's owner what it failed on: a file for each type and place, with customers who are nobody.

A file has what ``guanxi plugins reproduce`` needs. What an error says is not in it, as it may quote a customer.
"""

import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from pydantic import TypeAdapter

from graph.errors import SettingsError
from graph.records import Customer, Product
from plugins.about import API_VERSION
from plugins.failures.anonymising import Disguise
from plugins.failures.telling import Frame, frames_of, placed, row_of
from plugins.failures.words import words_of
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Context
from recommenders.view import CustomerView

logger = logging.getLogger("guanxi.plugins")

MOST_FILES: Final = 20
"""Of one plugin; what fails in yet another way is counted, and not told."""
MOST_CUSTOMERS: Final = 5
"""Of a batch in which nobody knows whom it failed on."""
CUSTOMERS: Final = TypeAdapter(list[Customer])
PRODUCTS: Final = TypeAdapter(list[Product])


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
class Failure:
    """A failure as its owner is told of it.

    Attributes:
        item: the recommender's name, or the gate's code.
        api: version of the plugin API that it failed under.
        place: the error's type and place.
        customers: who it failed on, made nobody; the one, where that is known; none where it failed at learning.
    """

    plugin: str
    version: str | None
    owner: str | None
    item: str
    api: str
    at: datetime
    place: str
    frames: tuple[Frame, ...]
    today: date
    channel: str | None
    customers: tuple[Customer, ...]
    products: tuple[Product, ...]

    def batch(self) -> Batch:
        """Return the customers, to ask the plugin of again."""
        seen = [CustomerView(record, self.today, self.channel) for record in self.customers]
        return Batch(seen, Catalogue(self.products), Context(self.today, self.channel))


class FailureReports:
    """Where failures are told: a folder of folders by plugin, or nowhere."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._told: set[Path] = set()

    def of(self, plugin: Owned, item: Any) -> Callable[[BaseException, Batch], None]:
        """Return what tells of a plugin's recommender or gate; it raises nothing."""
        name = str(getattr(item, "code", None) or item.name)
        return lambda error, batch: self._tell(plugin, name, error, batch) if batch.customers else None

    def tell_of_learning(self, plugin: Owned, item: str, error: BaseException) -> None:
        """Tell that a recommender cannot learn, or cannot answer from what it learnt: of nobody; it raises nothing."""
        self._tell(plugin, item, error, Batch((), Catalogue(()), Context(datetime.now(UTC).date())))

    def _tell(self, plugin: Owned, item: str, error: BaseException, batch: Batch) -> None:
        if self._folder is None:
            return
        place = placed(error)
        folder = self._folder / re.sub(r"[^\w.-]", "_", plugin.name)
        path = folder / f"{hashlib.sha256(f'{item} {place}'.encode()).hexdigest()[:12]}.json"
        if path in self._told:
            return
        self._told.add(path)
        try:
            if path.exists() or len(list(folder.glob("*.json"))) >= MOST_FILES:
                return
            folder.mkdir(parents=True, exist_ok=True)
            _write(path, told(plugin, item, error, batch))
        except Exception as failed:  # noqa: BLE001 - a report that cannot be made is no reason to answer nobody
            logger.warning("the failure of plugin %s is not reported: %s", plugin.name, type(failed).__name__)


NOWHERE: Final = FailureReports(None)


def told(plugin: Owned, item: str, error: BaseException, batch: Batch) -> Failure:
    """Return what is told of a failure."""
    row, disguise = row_of(error), Disguise(words_of(plugin.source))
    failed = batch.customers[:MOST_CUSTOMERS] if row is None else batch.customers[row : row + 1]
    return Failure(
        plugin.name,
        plugin.version,
        plugin.owner,
        item,
        API_VERSION,
        datetime.now(UTC),
        placed(error),
        frames_of(error),
        disguise.day(batch.context.today),
        batch.context.channel,
        tuple(disguise.record(customer.__reduce__()[1][0]) for customer in failed),
        tuple(disguise.product(product) for product in batch.catalogue),
    )


def read(path: Path) -> Failure:
    """Return what a file tells.

    Raises:
        SettingsError: it is no such file.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        raw["customers"] = tuple(CUSTOMERS.validate_python(raw["customers"]))
        raw["products"] = tuple(PRODUCTS.validate_python(raw["products"]))
        raw["frames"] = tuple(Frame(**frame) for frame in raw["frames"])
        raw |= {"today": date.fromisoformat(raw["today"]), "at": datetime.fromisoformat(raw["at"])}
        return Failure(**raw)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise SettingsError(f"{path} is no report of a plugin's failure ({type(error).__name__}).") from error


def files(folder: Path, plugin: str | None = None) -> Iterator[Path]:
    """Yield the files that tell of a plugin's failures, or of all, the oldest first."""
    found = folder.glob("*/*.json") if plugin is None else (folder / plugin).glob("*.json")
    yield from sorted(found, key=lambda path: (path.stat().st_mtime, path.name))


def _write(path: Path, failure: Failure) -> None:
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(asdict(failure), default=str, indent=1, ensure_ascii=False), encoding="utf-8")
    unfinished.rename(path)
