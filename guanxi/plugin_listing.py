"""Lists plugins as servers run them, on their stages and under what staff has set, and those gone and missed."""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from graph.errors import StoreError
from guanxi.holding_back import held_in
from guanxi.opening import is_stored, reach_store
from guanxi.plugin_loading import load_plugins, warn_of_slips
from guanxi.reading import read_lives
from guanxi.settings import Settings
from plugins.claims import Held
from plugins.host import PluginHost
from plugins.infos import SHIPPED, PluginInfo
from plugins.life.stages import Life, Lives
from plugins.loading import unfinished
from plugins.recommending import OTHER_TEXT
from recommenders.history import learnt_nothing, texts_in_force, versions_in_force

logger = logging.getLogger("guanxi")

STORE: Final = "the store"
"""The source of what is not loaded, and is known by what the store remembers of it."""
LONGEST_STAGE: Final = len("share of 99 %")
UNFINISHED: Final = (
    "%s is no plugin for want of a pyproject.toml: guanxi plugins new writes one, and %s alone, without its own "
    "folder, is one."
)
GONE: Final = "it is not loaded; guanxi plugins forget {} removes what is kept of it"


def list_plugins(settings: Settings) -> list[PluginInfo]:
    """Return the plugins that are loaded, and those for want of which products are held back.

    The store is opened where there is one already, or a plugin has settings. Where it cannot be reached, no stage is
    known, no version of settings, and nobody who is missed.
    """
    host = load_plugins(settings)
    host.close()
    warn_of_slips(settings, host)
    for folder in unfinished(settings.plugins):
        logger.warning(UNFINISHED, folder, f"{folder.name.replace('-', '_')}.py")
    _tell_untrained(host, settings)
    _tell_unfitting(host)
    having = [plugin for plugin in host.plugins if plugin.settings_version is not None]
    held, lives = list[Held](), Lives(new=settings.new_plugins)
    if having or is_stored(settings):
        try:
            held, lives = asyncio.run(_stored(settings, host))
        except StoreError as error:
            logger.warning("%s What staff has set of plugins, and their stages, are not known.", error)
            for plugin in having:
                plugin.settings_version = None
            return host.plugins
    gone = _missed(host.plugins, held)
    for plugin in host.plugins:
        _put(plugin, lives.life(plugin))
    for plugin in gone:
        _put(plugin, lives.decided.get(plugin.name))
    return [*host.plugins, *gone]


def lines(found: Sequence[PluginInfo]) -> Iterator[str]:
    """Yield what a list tells of plugins; no column of stages where none is known."""
    width = LONGEST_STAGE if any(plugin.stage for plugin in found) else 0
    for plugin in found:
        life = str(Life(plugin.stage, plugin.share)) if plugin.stage else ""
        stage = f"{life:<{width}} " if width else ""
        told = (plugin.error or ", ".join(plugin.recommenders) or "no recommender") + told_about(plugin)
        yield f"{plugin.name:<16} {plugin.state:<7} {stage}{told}   from {plugin.source}"
        for said in (*plugin.untrained, *plugin.outdated):
            yield f"{'':<16} {said}"
        if plugin.holds_back:
            held = ", ".join(plugin.holds_back)
            yield f"{'':<16} held back from everybody, or all but a share, for want of it: {held}"
        for deprecated in plugin.deprecations:
            yield f"{'':<16} will go: {deprecated}"


def told_about(plugin: PluginInfo) -> str:
    """Return what a list tells of a plugin beside its recommenders: of one of ours, no version."""
    told = ""
    if plugin.source != SHIPPED and plugin.version is not None:
        told += f" ({plugin.version}, for API {plugin.api}{f', of {plugin.owner}' if plugin.owner else ''})"
    if plugin.settings_version is not None:
        told += f"   settings version {plugin.settings_version}"
    return told


def _tell_untrained(host: PluginHost, settings: Settings) -> None:
    folder = settings.models_dir
    versions = versions_in_force(folder)
    for own in host.recommending.untrained(versions, learnt_nothing(folder)):
        own.plugin.untrained.append(f"{own.name} is {own.why}")
        if own.has_failed and own.plugin.state == "loaded":
            own.plugin.state = "failing"
    for name, plugin in host.recommending.outdated(versions, texts_in_force(folder)):
        plugin.outdated.append(f"{name} is {OTHER_TEXT}")


def _tell_unfitting(host: PluginHost) -> None:
    """Have plugins say of themselves whether what they add to the schema is in it."""
    others = (loaded.registered for loaded in host.loaded if loaded.info.source != SHIPPED)
    if any(own.of("fields") or own.of("facts") for own in others):
        from api.schema import build_schema  # its libraries take seconds to import, and most plugins need none

        logging.getLogger("guanxi.plugins").setLevel(logging.CRITICAL)  # what it would tell is listed
        build_schema(host)


async def _stored(settings: Settings, host: PluginHost) -> tuple[list[Held], Lives]:
    """Return what is held back, and the plugins' stages, of the store as it is: it is not migrated."""
    async with reach_store(settings) as store:
        return await held_in(store, settings, host), await read_lives(store, settings)


def _put(plugin: PluginInfo, life: Life | None) -> None:
    plugin.stage, plugin.share = (life.stage, life.share) if life else (None, None)


def _missed(here: Iterable[PluginInfo], held: Iterable[Held]) -> list[PluginInfo]:
    """Tell plugins what is held back for want of them, and return those that are not here."""
    known, gone = {plugin.name: plugin for plugin in here}, dict[str, PluginInfo]()
    for own in held:
        for name in own.plugins:
            missed = known.get(name) or gone.setdefault(name, PluginInfo(name, STORE, "gone", GONE.format(name)))
            missed.holds_back.append(own.product_code)
    return list(gone.values())
