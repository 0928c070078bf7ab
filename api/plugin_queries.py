"""The query by which marketing and administrators see how plugins fare in the server that answers."""

from typing import Final

import strawberry

from api import access
from api.costs import assumed
from api.requests import Asked
from plugins.host import PluginInfo

MOST_PLUGINS: Final = 50


@strawberry.type(description="A plugin: where it is from, who answers for it, and how it fares in this process.")
class Plugin:
    """A plugin's state."""

    name: str = strawberry.field(description="Its name.")
    source: str = strawberry.field(description="The file, folder or entry point that it is from; or shipped.")
    version: str | None = strawberry.field(description="Its version; null where it could not be loaded.")
    api: str | None = strawberry.field(description="Versions of the plugin API that it is for.")
    owner: str | None = strawberry.field(description="Who is told of its failures.")
    state: str = strawberry.field(description="loaded, failing or broken.")
    failures: int = strawberry.field(
        description="How often its gates, bundles and levers failed; its recommenders count their own."
    )
    last_place: str | None = strawberry.field(
        description="What went wrong last in its gates, bundles or levers, or in loading it: type and place."
    )
    recommenders: list[str] = strawberry.field(description="Names of its recommenders.")

    @classmethod
    def of(cls, info: PluginInfo) -> "Plugin":
        """Make the type of a state."""
        return cls(
            name=info.name,
            source=info.source,
            version=info.version,
            api=info.api,
            owner=info.owner,
            state=info.state,
            failures=info.failures,
            last_place=info.last_place,
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
        return [Plugin.of(plugin) for plugin in session.services.engine.host.plugins]
