"""Counts plugins' failures in memory, until webhooks are told of them away from whoever asked the plugin."""

import hashlib
import re
import threading
from collections import Counter
from typing import Final

from graph.records import PluginFailure
from plugins.failures.failure import Owned
from plugins.failures.telling import kind_of, own_words, place_of
from plugins.texts import utf8

MOST_WAYS: Final = 20
"""In which one version of a plugin fails; of yet another no webhook is told."""


class FailureCounts:
    """How often plugins failed in which way, in one process."""

    def __init__(self) -> None:
        self._known: dict[str, PluginFailure] = {}
        self._counts = Counter[PluginFailure]()
        self._lock = threading.Lock()

    def add(self, plugin: Owned, hook: str, item: str, error: BaseException, said: str) -> str | None:
        """Count a failure, whose error says nobody's; return the id of its way, unless it was counted before.

        Of ways beyond MOST_WAYS none is counted.
        """
        error_kind, place = kind_of(error), place_of(error)
        version = said if plugin.version is None else plugin.version  # one that is too broken to say which it is
        own = re.sub(r"\d+", "0", own_words(error) or "")  # one sentence, of which customer or place it be
        named = f"{plugin.name} {version} {hook} {item} {error_kind} {place}" + (f" {own}" if own else "")
        failure_id = hashlib.sha256(named.encode()).hexdigest()[:12]
        with self._lock:
            is_new = failure_id not in self._known
            if is_new and self._ways(plugin) >= MOST_WAYS:
                return failure_id
            if is_new:
                self._known[failure_id] = PluginFailure(
                    failure_id,
                    plugin.name,
                    plugin.version,
                    plugin.owner and utf8(plugin.owner),
                    hook,
                    item,
                    error_kind,
                    said,
                    place,
                )
            self._counts[self._known[failure_id]] += 1
        return failure_id if is_new else None

    def take(self) -> Counter[PluginFailure]:
        """Return how often what failed since this was last asked, and begin anew."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return counts

    def put_back(self, counts: Counter[PluginFailure]) -> None:
        """Keep what could not be stored."""
        with self._lock:
            self._counts.update(counts)

    def _ways(self, plugin: Owned) -> int:
        return sum((own.plugin, own.version) == (plugin.name, plugin.version) for own in self._known.values())
