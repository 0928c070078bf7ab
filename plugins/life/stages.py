"""A plugin's life: draft, shadow, share of customers, live, retired; which steps it may take, and whom a share is."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self

from graph.plugin_stages import StageDecision, latest
from graph.words import PluginStage
from plugins.host import PluginHost
from plugins.infos import SHIPPED, PluginInfo

FORWARD: Final = (PluginStage.DRAFT, PluginStage.SHADOW, PluginStage.SHARE, PluginStage.LIVE)
DECIDING: Final = frozenset({PluginStage.SHARE, PluginStage.LIVE})
FROM_RETIRED: Final = frozenset({PluginStage.DRAFT, PluginStage.SHADOW})
BANKS_OWN: Final = "shipped"
"""The plugin that has the bank's own gates and fallback: it has no stages."""


@dataclass(frozen=True, slots=True)
class Life:
    """A plugin's stage, and of a share how many percent of the customers it has."""

    stage: PluginStage
    share: int | None = None

    def __str__(self) -> str:
        return self.stage if self.share is None else f"{self.stage} of {self.share} %"


LIVE: Final = Life(PluginStage.LIVE)


@dataclass(frozen=True, slots=True)
class Lives:
    """The lives of plugins by name; ``new`` is the stage of those on which nobody has decided, but guanxi's own."""

    decided: Mapping[str, Life] = field(default_factory=dict)
    new: PluginStage = PluginStage.LIVE

    @classmethod
    def of(cls, decisions: Sequence[StageDecision], new: PluginStage = PluginStage.LIVE) -> Self:
        """Return what holds by a history of decisions."""
        return cls({name: Life(own.stage, own.share) for name, own in latest(decisions).items()}, new)

    def life(self, plugin: PluginInfo) -> Life:
        """Return the life of a plugin."""
        return self.decided.get(plugin.name) or (LIVE if plugin.source == SHIPPED else Life(self.new))

    def decides(self, plugin: PluginInfo, customer_no: str) -> bool:
        """Whether a plugin decides of a customer: it is live, or he is in its share."""
        life = self.life(plugin)
        if life.stage is PluginStage.SHARE:
            return is_in_share(plugin.name, customer_no, life.share or 0)
        return life.stage is PluginStage.LIVE

    def unranked(self, host: PluginHost) -> frozenset[str]:
        """Return the names of recommenders that the ranker may not learn from: of plugins that are not live.

        A share's holdout would miss them where the ranker relies on them, and be decided otherwise than without them.
        """
        owned = host.of("recommenders")
        return frozenset(own.name for own, info in owned if self.life(info).stage is not PluginStage.LIVE)

    def live(self, host: PluginHost) -> frozenset[str]:
        """Return the names of the plugins that decide of everybody."""
        return frozenset(info.name for info in host.plugins if self.life(info).stage is PluginStage.LIVE)

    def deciding(self, host: PluginHost) -> frozenset[str]:
        """Return the names of the plugins that decide of anybody: of all, or of a share."""
        return frozenset(
            info.name for info in host.plugins if info.state != "broken" and self.life(info).stage in DECIDING
        )

    def with_live(self, names: Iterable[str]) -> Self:
        """Return the same lives, but with some plugins live."""
        return replace(self, decided={**self.decided, **dict.fromkeys(names, LIVE)})

    def without(self, name: str) -> Self:
        """Return the same lives, but with a plugin out of service."""
        return replace(self, decided={**self.decided, name: Life(PluginStage.RETIRED)})


def objection(now: Life, then: Life, *, force: bool = False) -> str | None:
    """Return why a plugin may not go from one life to another, as a sentence; None where it may.

    Forward it goes one stage at a time, unless forced; back, or out of service, it may always go.
    """
    if is_wrong_share(then):
        is_share = then.stage is PluginStage.SHARE
        return (
            "A share is a whole number of percent, from 1 to 99."
            if is_share
            else f"The stage {then.stage} has no share."
        )
    if force or now == then or then.stage is PluginStage.RETIRED:
        return None
    if now.stage is PluginStage.RETIRED:
        return None if then.stage in FROM_RETIRED else "A plugin that is retired begins anew, as draft or shadow."
    if FORWARD.index(then.stage) > FORWARD.index(now.stage) + 1:
        between = FORWARD[FORWARD.index(now.stage) + 1]
        return f"From {now.stage} it goes to {between} before {then.stage}, unless that is forced."
    return None


def is_wrong_share(life: Life) -> bool:
    """Whether its percents are none that its stage can have."""
    if life.stage is not PluginStage.SHARE:
        return life.share is not None
    return life.share is None or not 1 <= life.share <= 99


def before(decisions: Sequence[StageDecision], unstaged: Life) -> tuple[Life, int] | None:
    """Return the life before the last decision on a plugin, and the version that it was of; None where there is none.

    What a rollback went back to counts as the last decision, so that another goes back further. Version 0 is
    ``unstaged``: before the first decision.
    """
    if not decisions:
        return None
    last = decisions[-1]
    version = last.version if last.restores is None else last.restores
    if version == 0:
        return None
    earlier = next((own for own in decisions if own.version == version - 1), None)
    while earlier is not None and earlier.restores:
        earlier = decisions[earlier.restores - 1]
    if earlier is None or earlier.restores == 0:
        return unstaged, 0
    return Life(earlier.stage, earlier.share), earlier.version


def is_in_share(plugin: str, customer_no: str, share: int) -> bool:
    """Whether a customer is in a plugin's share; who is stays in a larger one, and each plugin draws for itself."""
    digest = hashlib.sha256(f"{plugin}\x1f{customer_no}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 10_000 < share * 100


def arm_of(shares: Iterable[str], inside: frozenset[str], otherwise: str) -> str:
    """Say of each plugin that has a share whether a customer is in it or in its holdout; ``otherwise`` without any."""
    told = [f"{name}:{'share' if name in inside else 'holdout'}" for name in sorted(shares)]
    return " ".join(told) or otherwise
