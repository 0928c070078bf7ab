"""Loads the plugins of folders anew when their files change, beside those that serve meanwhile.

A new host is made, whole, for who serves to take in place of the old one. Plugins whose files are as they were are the
same objects in it, with their health, and keep their names before any that is new. One that is broken by its change
stays as it was before, and says so. What is installed as a package, with an entry point, needs a restart.
"""

import importlib
import logging
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import cache_from_source
from pathlib import Path
from typing import Final, TypeAlias

from plugins.failures.telling import placed
from plugins.host import ENDLESS, PluginHost
from plugins.infos import Loaded, PluginInfo
from plugins.isolation.workers import Worker
from plugins.life.pauses import Pauses
from plugins.loading import Found, find_in, is_twin
from plugins.replacing import add_again

logger = logging.getLogger("guanxi.plugins")

SETTLE_SECONDS: Final = 0.2
"""A file that changes meanwhile is still being written."""
STAYS: Final = "its file was changed, and the version before serves, as the new one is broken: "
AGAIN: Final = (
    "its file was changed, and the version before serves, as the change could not be taken up; it is tried again"
)
AGAIN_SECONDS: Final = 10.0
"""After so long, at first, what has changed and is not in service is tried again."""
MOST_SECONDS: Final = 3600.0
"""After so long at most."""
GRACE_SECONDS: Final = 30.0
"""Requests that began with a former version are answered by then; who asks its process later has it started again."""
UNLOADED: Final = "what has changed of plugins cannot be loaded: %s"
BROKEN_CHANGE: Final = "plugin %s: its changed file %s is broken, and the version before serves: %s"
BROKEN_FILE: Final = "plugin %s: its file %s is broken: %s"

Stamp: TypeAlias = tuple[tuple[str, int, int], ...]
"""Name, time of change in nanoseconds and size of each file of a plugin."""


class Reloading:
    """Watches the folders of a host."""

    def __init__(self, host: PluginHost) -> None:
        self._folders = host.folders
        self._seen = stamps(self._folders)
        self._broken = {info.key for info in host.plugins if info.state == "broken"}
        self._served = host
        self._made: PluginHost | None = None
        self._replaced = dict[Worker, float]()
        """Processes of former versions, and when they are to end."""
        self._waiting = set[str]()
        """Sources whose change was seen, and is not in service."""
        self._pauses = Pauses(AGAIN_SECONDS, MOST_SECONDS)

    def look(self, host: PluginHost) -> PluginHost | None:
        """Return a host with what has changed since the last look; None where nothing has, or is still changing.

        ``host`` is the one in service. Where it is not the one that was returned last, what had changed is tried again:
        with the next change, and ever less often.
        """
        self._compare(host)
        self._end_replaced()
        now = stamps(self._folders)
        if now == self._seen and not (self._waiting and self._pauses.is_due):
            return None
        time.sleep(SETTLE_SECONDS)
        if stamps(self._folders) != now:
            return None
        changed = {source for source in now.keys() | self._seen.keys() if now.get(source) != self._seen.get(source)}
        self._seen = now
        return self._load(host, changed)

    def _compare(self, host: PluginHost) -> None:
        """Take note whether what was returned last is in service, and which processes are not any more."""
        if host is self._made:
            self._waiting.clear()
        elif self._made is not None:
            self._leave(host)
        for gone in (self._served, self._made):
            if gone is not None and gone is not host:
                self._replaced |= dict.fromkeys(gone.workers - host.workers, time.monotonic() + GRACE_SECONDS)
        self._served, self._made = host, None

    def _end_replaced(self) -> None:
        for worker in [worker for worker, due in self._replaced.items() if due <= time.monotonic()]:
            worker.close()
            del self._replaced[worker]

    def _load(self, host: PluginHost, changed: Collection[str]) -> PluginHost | None:
        if changed:
            self._pauses.begin()
        self._pauses.wait()
        self._waiting |= set(changed)
        try:
            self._made = reloaded(host, self._waiting)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next try may do better
            logger.warning(UNLOADED, placed(error))
            self._leave(host)
            return None
        self._log(self._made, host, changed)
        return self._made

    def _leave(self, host: PluginHost) -> None:
        """Have plugins say that their change is not in service."""
        for info in host.plugins:
            if info.source in self._waiting and info.state != "broken":
                info.fail(AGAIN, is_safe=True)

    def _log(self, new: PluginHost, before: PluginHost, changed: Collection[str]) -> None:
        """Say what is broken by its change, once a change, and what is mended since."""
        known = {id(info) for info in before.plugins}
        for info in new.plugins:
            stays = info.state == "failing" and (info.error or "").startswith(STAYS)
            if stays or info.state == "broken":
                if info.source in changed or info.key not in self._broken:
                    logger.warning(BROKEN_CHANGE if stays else BROKEN_FILE, info.name, info.source, _why(info))
                self._broken.add(info.key)
            elif info.key in self._broken and id(info) not in known:
                logger.info("plugin %s: its file %s is mended, and serves", info.name, info.source)
                self._broken.discard(info.key)
        self._broken &= {info.key for info in new.plugins}


def stamps(folders: Sequence[Path]) -> Mapping[str, Stamp]:
    """Return how the files of each plugin of some folders are, by the plugin's source."""
    found = {}
    for plugin in find_in(folders):
        with suppress(OSError):  # it went away meanwhile
            found[plugin.source] = tuple(_stamps_of(Path(plugin.source)))
    return found


def reloaded(host: PluginHost, changed: Collection[str]) -> PluginHost:
    """Return a host of what another has, with the plugins of changed sources loaded anew, or new, or gone."""
    found = {f"{one.source}:{one.name}": one for one in find_in(host.folders)}
    outside = [info.key for info in host.plugins if not _is_in(info.source, host.folders)]
    there = {*outside, *found}
    new = host.beside()
    for own in host.loaded:
        if own.info.key in there:
            new.keep(own, host)
    for own in list(new.loaded):
        if own.info.source in changed and own.info.key in found:
            _replace(new, own, found[own.info.key])
    in_use = {info.key for info in new.plugins}
    broken = {info.key: info for info in host.plugins if info.key in there - in_use}
    for key, info in broken.items():
        if key in outside or (_is_endless(info) and info.source not in changed):
            new.plugins.append(info)
    listed = {info.key for info in new.plugins}
    for key in (key for key in found if key not in listed):
        with _fresh(Path(found[key].source)):
            info = add_anew(new, found[key], is_shared=True)
        if info not in new.plugins:  # what is installed of it stays
            new.plugins.append(info)
    new.sort([*outside, *found])
    return new


def add_anew(
    host: PluginHost,
    found: Found,
    *,
    is_shared: bool = False,
    check: Callable[[PluginInfo], None] = lambda _: None,
) -> PluginInfo:
    """Have a host take in a plugin, imported anew in place of the same one that it has, as ``add_again`` says.

    Where ``check`` raises, once it is taken in, it is as if it had not been added.
    """

    def add() -> PluginInfo:
        info = host.add_found(found)
        check(info)
        return info

    path = Path(found.source)
    same = [
        info.key
        for info in host.plugins
        if Path(info.source).resolve() == path.resolve() or is_twin(found.module, found.source, info.source)
    ]
    if not same:
        return add_again(host, same, add)
    with _fresh(path) as restore:
        return add_again(host, same, add, restore, is_shared=is_shared)


def _replace(new: PluginHost, own: Loaded, found: Found) -> None:
    """Take in a plugin anew; where it is broken, as it was."""
    info = add_anew(new, found, is_shared=True)
    if info.state == "broken":
        own.info.note(f"{STAYS}{info.error}", info.last_place, is_safe=info.is_safe)


def _is_endless(info: PluginInfo) -> bool:
    """Whether it is broken since it never ended, so that it is not tried again as it is."""
    return info.state == "broken" and (info.error or "").startswith(ENDLESS)


def _why(info: PluginInfo) -> str | None:
    """Say where it broke, by type and place; without a place, as of what guanxi refuses, what is wrong."""
    has_place = " in " in (info.last_place or "")
    return info.last_place if has_place or info.told is None else info.told.removeprefix(STAYS)


def _is_in(source: str, folders: Sequence[Path]) -> bool:
    return any(Path(source) == folder or Path(source).parent == folder for folder in folders)


def _stamps_of(path: Path) -> Iterator[tuple[str, int, int]]:
    for file in sorted(_files(path)):
        stat = file.stat()
        yield str(file), stat.st_mtime_ns, stat.st_size


def _files(path: Path) -> list[Path]:
    return [*path.rglob("*.py"), path / "pyproject.toml"] if path.is_dir() else [path]


@contextmanager
def _fresh(path: Path) -> Iterator[Callable[[], None]]:
    """Forget what was imported of a plugin; what is yielded brings it back.

    Compiled files go too: Python takes one for current whose source has its size and was written in the same second.
    """
    for file in _files(path):
        with suppress(OSError, NotImplementedError):
            Path(cache_from_source(str(file))).unlink()
    importlib.invalidate_caches()
    there = sys.modules.copy()  # others import meanwhile
    gone = {name: module for name, module in there.items() if _is_of(module, path.resolve())}
    for name in gone:
        del sys.modules[name]
    yield lambda: sys.modules.update(gone)


def _is_of(module: object, path: Path) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and Path(file).is_relative_to(path)
