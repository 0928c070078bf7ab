"""The query about a plugin's settings."""

from typing import Annotated

import strawberry

from api import access
from api.requests import Asked
from api.types.plugin_settings import PluginSettings
from graph.errors import NotFound


@strawberry.type
class PluginSettingsQueries:
    """A part of the root of queries."""

    @strawberry.field(
        description="A plugin's settings; null where there is no plugin of that name that has some. For marketing and "
        "administrators."
    )
    async def plugin_settings(
        self, info: Asked, plugin: Annotated[str, strawberry.argument(description="The plugin's name.")]
    ) -> PluginSettings | None:
        """One plugin's settings."""
        session = info.context.session
        access.require(session.viewer, access.SETS_PLUGINS, "plugins' settings")
        await session.services.engine.engine()
        try:
            return await PluginSettings.of(session, plugin)
        except NotFound:
            return None
