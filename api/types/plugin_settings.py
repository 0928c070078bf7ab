"""Plugins' settings, as the bank's staff reads them."""

from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry.scalars import JSON

from api.costs import assumed, sliced
from api.session import Session
from api.types.relay import LONGEST_PAGE, within
from api.vocabularies import described
from graph import plugin_settings
from graph.errors import PluginError
from plugins.settings.held import Held, SettingSource, Told
from plugins.texts import utf8_within

described(
    "Where a setting's value comes from; each holds over those before it.",
    DEFAULT="The plugin itself.",
    FILE="The server's file of plugins' settings.",
    ENVIRONMENT="The server's environment.",
    STAFF="Staff, at run time.",
)(SettingSource)


@strawberry.type(description="A setting of a plugin.")
class PluginSetting:
    """A setting."""

    name: str = strawberry.field(description="Its name; one within another is told by its path, with dots.")
    value: JSON | None = strawberry.field(description="Its value; null for a secret, always.")
    source: SettingSource = strawberry.field(description="Where the value comes from.")
    secret: bool = strawberry.field(description="Whether it is a secret, which the server's environment alone can set.")

    @classmethod
    def of(cls, told: Told) -> Self:
        """Make the type of a setting."""
        value = None if told.value is None else JSON(told.value)
        return cls(name=told.name, value=value, source=told.source, secret=told.secret)


@strawberry.type(description="A version of what staff has set of a plugin at run time.")
class PluginSettingsChange:
    """A version."""

    version: int = strawberry.field(description="Its number: 1, 2, 3 and so on.")
    settings: JSON = strawberry.field(description="All that was set, by name; what is not came from elsewhere.")
    set_by: str = strawberry.field(description="Who set it: a token's subject, or a user of the server's machine.")
    set_at: datetime = strawberry.field(description="When.")
    reverted_to: int | None = strawberry.field(description="The version that it repeats, where it was a reversal.")

    @classmethod
    def of(cls, change: plugin_settings.Change) -> Self:
        """Make the type of a version."""
        return cls(
            version=change.version,
            settings=JSON(dict(change.settings)),
            set_by=change.set_by,
            set_at=change.set_at,
            reverted_to=change.reverted_to,
        )


@strawberry.type(description="A plugin's settings.")
class PluginSettings:
    """A plugin's settings."""

    session: strawberry.Private[Session]
    held: strawberry.Private[Held]
    plugin: str = strawberry.field(description="The plugin's name.")
    version: int = strawberry.field(description="The version of what staff has set at run time; 0 where nothing is.")
    error: str | None = strawberry.field(
        description="Why what staff has set cannot be any more, as for another version of the plugin. The plugin is "
        "broken for as long, and `values` are without it."
    )

    @classmethod
    async def of(cls, session: Session, plugin: str) -> Self:
        """Read a plugin's settings as they are now; raises NotFound where there are none."""
        host = session.services.engine.host
        stored = await plugin_settings.one(session.services.store, host.named(plugin).name)
        try:
            held, error = host.settings_of(plugin, stored.settings), None
        except PluginError as wrong:
            held, error = host.settings_of(plugin, {}), str(wrong)
        return cls(session=session, held=held, plugin=stored.plugin, version=stored.version, error=error)

    @strawberry.field(description="What settings there are, as JSON Schema.")
    def schema(self) -> JSON:
        """The model's schema."""
        return JSON(utf8_within(self.held.model.model_json_schema()))

    @strawberry.field(description="Every setting, with its value.", directives=[assumed(20)])
    def values(self) -> list[PluginSetting]:
        """The values."""
        return [PluginSetting.of(told) for told in self.held.told()]

    @strawberry.field(description="What staff has set at run time, the latest first.", directives=[sliced("first")])
    async def history(
        self, first: Annotated[int, strawberry.argument(description="How many; 100 at most.")] = 20
    ) -> list[PluginSettingsChange]:
        """The versions."""
        within(first, LONGEST_PAGE, "versions")
        found = await plugin_settings.history(self.session.services.store, self.plugin, first)
        return [PluginSettingsChange.of(change) for change in found]
