"""The mutations by which staff sets plugins at run time; every server runs them so within seconds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from api import access
from api.acts import note_plugin
from api.costs import WRITE, assumed
from api.idempotency import request_of
from api.mutations import SENT_AGAIN
from api.requests import Asked
from api.session import Session
from api.types.plugin_settings import PluginSettings
from api.user_errors import UserError, UserErrorCode, Wrong, recording, typed_errors
from graph.errors import NotFound, PluginError
from plugins.settings import changing
from plugins.settings.held import WrongSetting

EXPECTED = "The `version` that was read: where it is another by now, nothing is set. Without one, any will do."


@strawberry.input(description="What to set of a plugin.")
class SetPluginSettingsInput:
    """The input of ``setPluginSettings``."""

    plugin: str = strawberry.field(description="The plugin's name.")
    settings: JSON = strawberry.field(
        description="An object of settings by name, as the plugin's `schema` has them; what it does not name "
        "stays, also within a table. It is empty only where something is reset."
    )
    reset: list[str] = strawberry.field(
        default_factory=list,
        description="Names of settings, with dots within a table, that come from file, environment or default again; "
        "none that is set.",
    )
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)
    idempotency_key: str | None = strawberry.field(default=None, description=SENT_AGAIN)


@strawberry.type(description="What came of `setPluginSettings`.")
class SetPluginSettingsPayload:
    """The settings as they are now, or errors."""

    plugin_settings: PluginSettings | None = strawberry.field(default=None, description="The settings as they are now.")
    errors: list[UserError] = strawberry.field(
        default_factory=list, description="What was wrong; empty when stored.", directives=[assumed(5)]
    )


@strawberry.input(description="The version that a plugin's settings shall be like again.")
class RevertPluginSettingsInput:
    """The input of ``revertPluginSettings``."""

    plugin: str = strawberry.field(description="The plugin's name.")
    to_version: int = strawberry.field(description="The version; 0 is that nothing is set.")
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED)
    idempotency_key: str | None = strawberry.field(default=None, description=SENT_AGAIN)


@strawberry.type(description="What came of `revertPluginSettings`.")
class RevertPluginSettingsPayload:
    """The settings as they are now, or errors."""

    plugin_settings: PluginSettings | None = strawberry.field(default=None, description="The settings as they are now.")
    errors: list[UserError] = strawberry.field(
        default_factory=list, description="What was wrong; empty when stored.", directives=[assumed(5)]
    )


@strawberry.type
class PluginSettingsMutations:
    """A part of the root of mutations."""

    @strawberry.mutation(
        description="Set a plugin at run time, once; it is the next version of its settings, which every server takes "
        "within seconds. Secrets are refused. For marketing and administrators.",
        directives=[WRITE],
    )
    @typed_errors(SetPluginSettingsPayload)
    async def set_plugin_settings(
        self,
        info: Asked,
        input: Annotated[SetPluginSettingsInput, strawberry.argument(description="Of which, and what.")],  # noqa: A002
    ) -> SetPluginSettingsPayload:
        """Write the next version."""
        session, given = await _setting(info), input.settings
        if not isinstance(given, Mapping):
            raise Wrong("settings", UserErrorCode.BAD_INPUT, "They are an object of settings by name.")
        host, asked = session.services.engine.host, _asked(session, "setPluginSettings", input)
        with _changing("settings"):
            await changing.change(session.services.store, host, asked, given, input.reset)
        return SetPluginSettingsPayload(plugin_settings=await PluginSettings.of(session, input.plugin))

    @strawberry.mutation(
        description="Set a plugin as it was in an earlier version, once; that is the next version. For marketing and "
        "administrators.",
        directives=[WRITE],
    )
    @typed_errors(RevertPluginSettingsPayload)
    async def revert_plugin_settings(
        self,
        info: Asked,
        input: Annotated[RevertPluginSettingsInput, strawberry.argument(description="Of which, and to what.")],  # noqa: A002
    ) -> RevertPluginSettingsPayload:
        """Write the next version."""
        session = await _setting(info)
        host, asked = session.services.engine.host, _asked(session, "revertPluginSettings", input)
        with _changing("toVersion"):
            await changing.revert(session.services.store, host, asked, input.to_version)
        return RevertPluginSettingsPayload(plugin_settings=await PluginSettings.of(session, input.plugin))


async def _setting(info: Asked) -> Session:
    session = info.context.session
    access.require(session.viewer, access.SETS_PLUGINS, "plugins' settings", "change")
    await session.services.engine.engine()
    return session


def _asked(
    session: Session, mutation: str, given: SetPluginSettingsInput | RevertPluginSettingsInput
) -> changing.Asked:
    request = request_of(session, mutation, given)
    with suppress(NotFound):  # which is told in setting it
        note_plugin(session.services.engine.host.named(given.plugin).name)
    return changing.Asked(given.plugin, session.viewer.subject, request, given.expected_version)


@contextmanager
def _changing(field: str) -> Iterator[None]:
    """Raise as ``Wrong``, of a field where it is no other's, what cannot be set."""
    try:
        with recording():
            yield
    except NotFound as error:
        named = "toVersion" if error.kind == "version" else "plugin"
        raise Wrong(named, UserErrorCode.NOT_FOUND, str(error)) from error
    except PluginError as error:
        told = str(error)
        place, is_reset = (error.path, error.is_reset) if isinstance(error, WrongSetting) else ((), False)
        end = "" if told.endswith("?") else "."
        wrong = Wrong("reset" if is_reset else field, UserErrorCode.BAD_INPUT, f"{told[:1].upper()}{told[1:]}{end}")
        wrong.error.path.extend(place)
        raise wrong from None
