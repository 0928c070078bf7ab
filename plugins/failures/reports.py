"""Tells a plugin's owner what it failed on: a file for each version, item, type and place, with nobody's data.

A file has what ``guanxi plugins reproduce`` needs, and of what an error says, which may quote a customer, Python's own
words.
"""

import json
import logging
import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from graph.errors import SettingsError
from graph.records import Customer, Product
from plugins.failures.counting import FailureCounts
from plugins.failures.failure import Asked, Failure, Owned
from plugins.failures.telling import Frame
from recommenders.batch import Batch

logger = logging.getLogger("guanxi.plugins")

UNREPORTED: Final = "here"
"""The source of what is added as an object, as in a cell of a notebook: who adds it sees what it does."""
MOST_FILES: Final = 20
"""Of one plugin; of what fails in yet another way there is one in place of the oldest."""
MOST_AN_HOUR: Final = 60
"""Files that one process writes of a version of a plugin; what fails in yet another way is not reported meanwhile."""
HOUR: Final = 3_600.0
CUSTOMERS: Final = TypeAdapter(list[Customer])
PRODUCTS: Final = TypeAdapter(list[Product])


class FailureReports:
    """Where failures are told: a folder of folders by plugin, or nowhere; ``counts`` are what webhooks are told."""

    def __init__(self, folder: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._written = defaultdict[tuple[str, str | None], deque[float]](lambda: deque(maxlen=MOST_AN_HOUR))
        """When, by plugin and version."""
        self._lock = threading.Lock()
        self.counts = FailureCounts()

    def of(self, plugin: Owned, hook: str, item: str) -> Callable[[BaseException, Batch], None]:
        """Return what tells that an item failed over a batch; it raises nothing."""
        return lambda error, batch: self.tell(plugin, hook, item, error, Asked(batch)) if batch.customers else None

    def tell(self, plugin: Owned, hook: str, item: str, error: BaseException, asked: Asked) -> None:
        """Tell that what a plugin registered by a hook failed; it raises nothing."""
        if self._folder is None or plugin.source == UNREPORTED:
            return
        try:
            failure_id = self.counts.add(plugin, hook, item, error, asked.said_by(error))
            folder = folder_of(self._folder, plugin.name)
            path = folder / f"{failure_id}.json"
            if failure_id is None or path.exists() or not self._has_room(plugin):
                return
            folder.mkdir(parents=True, exist_ok=True)
            for oldest in list(files(self._folder, plugin.name))[: 1 - MOST_FILES]:
                oldest.unlink(missing_ok=True)
            _write(path, Failure.of(plugin, hook, item, error, asked))
        except Exception as failed:  # noqa: BLE001 - a report that cannot be made is no reason to answer nobody
            logger.warning("the failure of plugin %s is not reported: %s", plugin.name, type(failed).__name__)

    def _has_room(self, plugin: Owned) -> bool:
        """Whether one more file may be written of a plugin now, which it is then."""
        now = self._clock()
        with self._lock:
            written = self._written[plugin.name, plugin.version]
            is_full = len(written) == MOST_AN_HOUR and now - written[0] < HOUR
            if not is_full:
                written.append(now)
        return not is_full


NOWHERE: Final = FailureReports(None)


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
    found = folder.glob("*/*.json") if plugin is None else folder_of(folder, plugin).glob("*.json")
    yield from sorted(found, key=lambda path: (path.stat().st_mtime, path.name))


def plugins_told(folder: Path) -> set[str]:
    """Return the names of the plugins of which failures are told, as their folders are named."""
    return {path.parent.name for path in files(folder)}


def folder_of(folder: Path, plugin: str) -> Path:
    """Return the folder of a plugin's failures."""
    return folder / re.sub(r"[^\w.-]", "_", plugin)


def _write(path: Path, failure: Failure) -> None:
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(
        json.dumps(asdict(failure), default=str, indent=1, ensure_ascii=False), encoding="utf-8", errors="replace"
    )
    unfinished.rename(path)
