"""Has a host take in a plugin in place of others, which stay where it cannot be."""

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from plugins.infos import PluginInfo

if TYPE_CHECKING:
    from plugins.host import PluginHost


def add_again(
    host: "PluginHost",
    keys: Collection[str],
    add: Callable[[], PluginInfo],
    restore: Callable[[], None] = lambda: None,
    *,
    is_shared: bool = False,
) -> PluginInfo:
    """Have a host take in a plugin in place of those of some keys.

    These stay where the new one is broken, or ``add`` is interrupted; else their processes end, unless another host
    has these plugins, too (``is_shared``).
    """
    order = list(host.plugins)
    replaced, aside = [info for info in order if info.key in keys], host.beside()
    for own in [own for own in host.loaded if own.info.key in keys]:
        aside.keep(own, host)
    workers = [host.drop(info) for info in replaced]
    try:
        info = add()
    except BaseException:  # an operator's Ctrl-C, or a check
        restore()
        _put_back(host, order, aside)
        raise
    if aside.loaded and info.state == "broken":
        restore()
        _put_back(host, order, aside)
        return info
    for worker in workers if not is_shared else ():
        if worker is not None:
            worker.close()
    host.sort(list(dict.fromkeys([*(own.key for own in order), info.key])))
    return info


def _put_back(host: "PluginHost", order: Sequence[PluginInfo], aside: "PluginHost") -> None:
    """Have a host's plugins be those of before, of which ``aside`` has what was loaded and dropped."""
    before = set(map(id, order))
    for info in [info for info in host.plugins if id(info) not in before]:
        if (worker := host.drop(info)) is not None:
            worker.close()
    for own in aside.loaded:
        host.keep(own, aside)
    here = set(map(id, host.plugins))
    host.plugins += [info for info in order if info.state == "broken" and id(info) not in here]
    host.sort([info.key for info in order])
