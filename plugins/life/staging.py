"""Puts plugins on stages: what is asked for is held against what is there, and what is decided is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Final

from graph import plugin_stages
from graph.errors import NotFound, PluginError, VersionConflict
from graph.once import Request
from graph.plugin_stages import StageDecision
from graph.store import Store
from graph.words import PluginStage
from plugins.infos import PluginInfo, spelt
from plugins.life.stages import BANKS_OWN, Life, Lives, before, objection

LONGEST_REASON: Final = 500


def is_reason(text: str) -> bool:
    """Whether a text says why a plugin changes its stage: something, in at most LONGEST_REASON characters."""
    return bool(text.strip()) and len(text) <= LONGEST_REASON


@dataclass(frozen=True, slots=True)
class Order:
    """That a plugin is to change its stage: who says so, why and when, and by which request, done once."""

    reason: str
    by: str
    at: datetime
    request: Request | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A plugin's name, its life now, its life before anybody decided on it, and all decisions on it.

    Attributes:
        is_gone: it is not loaded any more.
        near: the names of loaded plugins that are like its own, where it is gone.
    """

    plugin: str
    now: Life
    unstaged: Life
    decisions: Sequence[StageDecision]
    is_gone: bool = False
    near: Sequence[str] = ()

    def __str__(self) -> str:
        return f"{self.plugin} is gone; it was {self.now}" if self.is_gone else f"{self.plugin} is {self.now}"

    @property
    def version(self) -> int:
        """How often it was decided on the plugin."""
        return len(self.decisions)


async def standing(store: Store, plugins: Sequence[PluginInfo], name: str, new: PluginStage) -> Standing:
    """Return how a plugin stands, by its name, in which ``-`` and ``_`` are the same.

    One that is not there any more still has its decisions.

    Raises:
        NotFound: there is none of that name, and never was one that was decided on; says which are near.
    """
    every, names = await plugin_stages.history(store), [plugin.name for plugin in plugins]
    name = spelt(name, [*names, *(own.plugin for own in every)])
    decisions = [own for own in every if own.plugin == name]
    here = next((plugin for plugin in plugins if plugin.name == name), None)
    near = () if here else get_close_matches(name, names)
    if here is None and not decisions:
        raise NotFound("plugin", name, near)
    unstaged = Lives(new=new).life(here or PluginInfo(name, "gone"))
    now = Life(decisions[-1].stage, decisions[-1].share) if decisions else unstaged
    return Standing(name, now, unstaged, decisions, is_gone=here is None, near=near)


async def put(
    store: Store, there: Standing, then: Life, order: Order, *, force: bool = False, expected: int | None = None
) -> StageDecision:
    """Put a plugin on a stage; where it was decided to be there already, that decision stands.

    Raises:
        NotFound: it is gone.
        PluginError: it may not go there, and why.
        VersionConflict: somebody else has decided meanwhile.
        KeyReused: the order's request stands for another order.
    """
    done = await plugin_stages.recorded(store, order.request)
    if done is not None:
        return done
    _refuse_gone(there)
    if expected is not None and expected != there.version:
        raise VersionConflict(there.version)
    said = objection(there.now, then, force=force)
    if said is not None:
        raise PluginError(said)
    if there.decisions and there.now == then:
        await plugin_stages.stand(store, there.decisions[-1], order.request)
        return there.decisions[-1]
    return await _decide(store, there, then, order)


async def roll_back(store: Store, there: Standing, order: Order) -> StageDecision:
    """Put a plugin on the stage before; once more, on the one before that.

    Raises:
        NotFound: the plugin is gone.
        PluginError: there is no stage before.
        VersionConflict: somebody else has decided meanwhile.
    """
    _refuse_gone(there)
    back = before(there.decisions, there.unstaged)
    if back is None:
        raise PluginError(f"There is no stage before: {there.plugin} is {there.now}.")
    life, restores = back
    return await _decide(store, there, life, order, restores)


def _refuse_gone(there: Standing) -> None:
    if there.is_gone:
        raise NotFound("plugin", there.plugin, there.near)


async def _decide(
    store: Store, there: Standing, then: Life, order: Order, restores: int | None = None
) -> StageDecision:
    if there.plugin == BANKS_OWN:
        raise PluginError(f"The plugin {BANKS_OWN} has the bank's own gates and its fallback: it is always live.")
    if not is_reason(order.reason):
        raise PluginError(f"A reason has 1 to {LONGEST_REASON} characters.")
    decision = StageDecision(
        there.plugin, there.version + 1, then.stage, then.share, order.reason, order.by, order.at, restores
    )
    await plugin_stages.decide(store, decision, order.request)
    return await plugin_stages.recorded(store, order.request) or decision
