"""Puts an engine together from a catalogue, plugins and a model."""

from collections.abc import Sequence
from typing import Any, Final

from graph.words import PluginStage
from plugins.claims import holding_back
from plugins.host import PluginHost
from plugins.isolation.together import ask_together
from plugins.life.shadows import Shadows
from plugins.life.staged import Plan, StagedEngine
from plugins.life.stages import Lives
from recommenders.artefact import Model
from recommenders.catalogue import Catalogue
from recommenders.contract import ARM, FALLBACK, Recommender
from recommenders.engine import Engine
from recommenders.insight import Tell
from recommenders.telling import learnt_of

ALL_LIVE: Final = Lives()


def build_engine(
    catalogue: Catalogue,
    host: PluginHost,
    model: Model | None,
    lives: Lives = ALL_LIVE,
    shadows: Shadows | None = None,
    tell: Tell | None = None,
) -> Engine:
    """Return the engine of a bank; without a model it answers by rules, programmes and the fallback.

    ``lives`` are the plugins' stages; what those in shadow would do is counted where there are ``shadows``. ``tell``
    says of customers what the model otherwise does.
    """
    guarded = host.recommending.guarded(model)
    owners = {recommender.name: info.name for recommender, info in host.of("recommenders")}
    plan = _plan(host, lives, guarded, owners)
    contributions = host.contributions(catalogue, plan.live | plan.shares.keys() if plan else None)

    def parts(plugins: frozenset[str] | None, arm: str) -> Sequence[Any]:
        rules = contributions.rules(plugins)
        return (
            catalogue,
            [own for own in guarded if plugins is None or owners[own.name] in plugins],
            [*holding_back(catalogue, host, plugins), *contributions.gates(plugins)],
            rules.bundles,
            model.calibration if model else None,
            model.ranker if model else None,
            rules.levers,
            model.model_id if model else FALLBACK,
            arm,
            ask_together,
            tell or learnt_of(model).tell,
        )

    return StagedEngine(parts, plan, shadows) if plan else Engine(*parts(None, ARM))


def _plan(host: PluginHost, lives: Lives, guarded: Sequence[Recommender], owners: dict[str, str]) -> Plan | None:
    """Return which plugins decide of whom; None where all do of everybody."""
    of_plugin = {info.name: lives.life(info) for info in host.plugins}
    if all(life.stage is PluginStage.LIVE for life in of_plugin.values()):
        return None
    return Plan(
        frozenset(name for name, life in of_plugin.items() if life.stage is PluginStage.LIVE),
        {name: life.share or 0 for name, life in of_plugin.items() if life.stage is PluginStage.SHARE},
        {
            name: [own for own in guarded if owners[own.name] == name]
            for name, life in of_plugin.items()
            if life.stage is PluginStage.SHADOW
        },
        {
            name: [own.name for own in guarded if owners[own.name] == name]
            for name, life in of_plugin.items()
            if life.stage is PluginStage.SHARE
        },
    )
