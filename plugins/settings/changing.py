"""Changes of a plugin's settings at run time, by whomever: validated, tried, and written as the next version."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graph import plugin_settings
from graph.errors import PluginError, VersionConflict
from graph.once import Request
from graph.plugin_settings import Change
from graph.records import StoredSettings
from graph.store import Store
from plugins.failures.telling import placed
from plugins.host import PluginHost
from plugins.settings.held import WrongSetting, dumped, meant
from plugins.settings.merging import over, says, without
from plugins.settings.models import names_beside

LONGEST: Final = 20_000
"""Of all settings of a plugin that are set at run time, as JSON text, in characters."""
TRIES: Final = 20
"""How often it is tried where others write at the same time, and no version is expected."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who sets which plugin, and the version that he has seen, if he says so; what is sent again is done once."""

    plugin: str
    set_by: str
    request: Request
    expected: int | None = None


async def change(
    store: Store, host: PluginHost, asked: Asked, given: Mapping[str, Any], reset: Sequence[str] = ()
) -> Change:
    """Set some settings of a plugin, and have others come from elsewhere again; return the version that is written.

    What is given of a nested model leaves its other fields as they are; ``reset`` has names with dots of these.

    Raises:
        NotFound: there is no plugin of that name that has settings.
        WrongSetting: a value is wrong, a name unknown, set and reset at once, or a secret; or nothing is asked for.
        PluginError: the plugin cannot run under them.
        VersionConflict: it is not the version expected.
        KeyReused: the request's key stands for another input.
    """
    model = host.settings_of(asked.plugin, {}).model
    if not given and not reset:
        raise WrongSetting((), "nothing is set, and nothing reset")
    for name in reset:
        known = names_beside(model, name)
        if name not in known:
            raise WrongSetting((name,), f"there is no setting {name!r}{meant(name, known)}", is_reset=True)
        if says(given, tuple(name.split("."))):
            raise WrongSetting((name,), f"the setting {name!r} is set and reset at once", is_reset=True)

    async def settings(before: StoredSettings) -> dict[str, Any]:
        left: Mapping[str, Any] = before.settings
        for name in reset:
            left = without(left, tuple(name.split(".")))
        return over(model, left, given)

    return await _written(store, host, asked, settings)


async def revert(store: Store, host: PluginHost, asked: Asked, to: int) -> Change:
    """Set of a plugin what a version had set, nothing for 0; return the version that is written.

    Raises:
        NotFound: there is no plugin of that name that has settings, or no such version.
        WrongSetting, PluginError, VersionConflict, KeyReused: as ``change`` does.
    """

    async def settings(before: StoredSettings) -> Mapping[str, Any]:
        return (await plugin_settings.at(store, before.plugin, to)).settings if to else {}

    return await _written(store, host, asked, settings, to)


async def _written(
    store: Store,
    host: PluginHost,
    asked: Asked,
    settings: Callable[[StoredSettings], Awaitable[Mapping[str, Any]]],
    reverted_to: int | None = None,
) -> Change:
    name = host.named(asked.plugin).name
    done = await plugin_settings.recorded(store, asked.request)
    if done is not None:
        return done
    for left in reversed(range(TRIES)):
        before = await plugin_settings.one(store, name)
        if asked.expected not in (None, before.version):
            break
        text = _tried(host, name, await settings(before))
        try:
            return await plugin_settings.write(store, before, text, asked.set_by, asked.request, reverted_to)
        except VersionConflict:
            if asked.expected is not None or not left:
                raise
    raise VersionConflict(before.version)


def _tried(host: PluginHost, plugin: str, settings: Mapping[str, Any]) -> str:
    try:
        text = dumped(settings)
    except ValueError as error:
        raise WrongSetting((), "they have a number that is none") from error
    if len(text) > LONGEST:
        raise WrongSetting((), f"they are longer than {LONGEST:,} characters")
    try:
        host.try_settings(plugin, settings)
    except PluginError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"the plugin cannot run under them: {placed(error)}") from error
    return text
