"""The queries by which marketing and administrators see how plugins fare, and what they earn."""

from collections.abc import Sequence
from typing import Annotated, Final

import strawberry

from api import access
from api.costs import SEARCH, assumed
from api.requests import Asked
from api.types.plugin_score_cards import PluginScoreCard
from graph.errors import NotFound
from graph.words import PluginStage
from plugins.infos import PluginInfo, RecommenderInfo
from plugins.life.score_cards import process_figures, score_card
from plugins.life.stages import Life
from plugins.life.staging import standing

MOST_PLUGINS: Final = 50
TROUBLED: Final = frozenset({"failing", "off", "busy"})
"""States of a recommender that does not do what it should."""


@strawberry.type(description="A plugin: where it is from, who answers for it, and how it fares in this process.")
class Plugin:
    """A plugin's state."""

    name: str = strawberry.field(description="Its name.")
    source: str = strawberry.field(description="The file, folder or entry point that it is from; or shipped.")
    version: str | None = strawberry.field(description="Its version; null where it could not be loaded.")
    api: str | None = strawberry.field(description="Versions of the plugin API that it is for.")
    owner: str | None = strawberry.field(description="Who is told of its failures.")
    state: str = strawberry.field(
        description="loaded, failing or broken; failing, too, while a recommender of its is failing, off or busy."
    )
    stage: PluginStage = strawberry.field(description="How far it has come, as the process that answers goes by it.")
    share: int | None = strawberry.field(description="Percent of the customers, where the stage is `SHARE`.")
    failures: int = strawberry.field(
        description="How often its gates, bundles and levers failed; its recommenders count their own."
    )
    error: str | None = strawberry.field(
        description="What is wrong in loading it, its settings, bundles, levers or schema; null for what went wrong as "
        "it was asked of customers, which may quote one."
    )
    last_place: str | None = strawberry.field(
        description="What went wrong last in its parts, or in loading it: type and place, and what guanxi itself says."
    )
    recommenders: list[str] = strawberry.field(description="Names of its recommenders.")

    @classmethod
    def of(cls, info: PluginInfo, life: Life, recommenders: Sequence[RecommenderInfo]) -> "Plugin":
        """Make the type of a state, a stage, and the states of its recommenders."""
        is_failing = info.state == "loaded" and any(own.state in TROUBLED for own in recommenders)
        return cls(
            name=info.name,
            source=info.source,
            version=info.version,
            api=info.api,
            owner=info.owner,
            state="failing" if is_failing else info.state,
            stage=life.stage,
            share=life.share,
            failures=info.failures,
            error=info.told,
            last_place=info.last_place or next((own.last_place for own in recommenders if own.last_place), None),
            recommenders=info.recommenders,
        )


@strawberry.type
class PluginQueries:
    """A part of the root of queries."""

    @strawberry.field(
        description="Plugins and how they fare in the process that answers; for marketing and administrators.",
        directives=[assumed(MOST_PLUGINS)],
    )
    async def plugins(self, info: Asked) -> list[Plugin]:
        """Plugins of this process."""
        session = info.context.session
        access.require(session.viewer, access.SEES_PLUGINS, "plugins")
        await session.services.engine.engine()
        host, stages = session.services.engine.host, session.services.engine.stages
        recommenders = {own.name: own for own in host.recommending.infos()}
        return [
            Plugin.of(
                plugin,
                stages.life(plugin),
                [recommenders[name] for name in plugin.recommenders if name in recommenders],
            )
            for plugin in host.plugins
        ]

    @strawberry.field(
        description="How a plugin does beside its own holdout; null where there is none of that name, nor was. For "
        "marketing and administrators.",
        directives=[SEARCH],
    )
    async def plugin_score_card(
        self, info: Asked, plugin: Annotated[str, strawberry.argument(description="The plugin's name.")]
    ) -> PluginScoreCard | None:
        """One plugin's score card."""
        session = info.context.session
        access.require(session.viewer, access.SEES_PLUGINS, "plugins")
        engine, store = session.services.engine, session.services.store
        await engine.engine()
        try:
            there = await standing(store, engine.host.plugins, plugin, engine.stages.new)
        except NotFound:
            return None
        return PluginScoreCard.of(await score_card(store, there), process_figures(engine.host, there.plugin))
