"""A plugin's settings: its model's defaults, then a file, then the environment, then what staff has set at run time."""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, cast

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource
from pydantic_settings import SettingsError as Unparsed

from graph.errors import PluginError, SettingsError
from plugins.settings.merging import over, says
from plugins.settings.models import Model, Place, nested_model, secrets
from plugins.texts import NO_TEXT, is_utf8_within, utf8_within

PREFIX: Final = "GUANXI_PLUGIN_"
NESTED: Final = "__"


class SettingSource(StrEnum):
    """Where a setting's value comes from; later ones hold over earlier."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    STAFF = "staff"


class WrongSetting(PluginError):
    """A setting that cannot be.

    Attributes:
        path: where it is in the model; empty for what is wrong of several together.
        is_reset: whether it cannot come from elsewhere again, rather than be set.
    """

    def __init__(self, path: Place, told: str, *, is_reset: bool = False) -> None:
        super().__init__(told)
        self.path = path
        self.is_reset = is_reset


@dataclass(frozen=True, slots=True)
class Sources:
    """What the operator sets: tables of a file, by plugin, and the environment.

    Attributes:
        written: the names of the tables as the file has them.
    """

    tables: Mapping[str, Any] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    written: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, environ: Mapping[str, str], *, required: bool) -> "Sources":
        """Return what a TOML file and the environment say.

        Raises:
            SettingsError: it cannot be read, or is required and not there.
        """
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            if required:
                raise SettingsError(f"There is no {path}, which GUANXI_PLUGIN_SETTINGS names.") from error
            return cls(environ=environ)
        except (OSError, ValueError) as error:
            raise SettingsError(f"The plugins' settings {path} cannot be read: {error}.") from error
        return cls(named(tables), environ, {setting_name(name): name for name in tables})


NOWHERE: Final = Sources()


@dataclass(frozen=True, slots=True)
class Told:
    """A setting as it is shown; a secret's value never is."""

    name: str
    value: Any
    source: SettingSource
    secret: bool


@dataclass(frozen=True, slots=True)
class Held:
    """A plugin's settings, and what each source says of them."""

    model: Model
    values: BaseModel
    layers: Mapping[SettingSource, Mapping[str, Any]]

    def told(self) -> list[Told]:
        """Return every setting, those of nested models by their paths."""
        hidden = secrets(self.model)
        return [
            Told(".".join(path), None if path in hidden else utf8_within(value), self.source(path), path in hidden)
            for path, value in _leaves(self.values, hidden)
        ]

    def source(self, path: Place) -> SettingSource:
        """Return which source a value is from."""
        return _source(self.layers, path)


def named(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return tables by the names that plugins have in settings: in lower case, with ``_`` for ``-``."""
    return {setting_name(name): table for name, table in tables.items()}


def setting_name(plugin: str) -> str:
    """Return a plugin's name as settings have it."""
    return plugin.replace("-", "_").lower()


def held(plugin: str, model: Model, sources: Sources = NOWHERE, stored: Mapping[str, Any] | None = None) -> Held:
    """Return a plugin's settings.

    Raises:
        WrongSetting: a value is wrong, of the wrong name, no text, or a secret that is not from the environment.
    """
    table = sources.tables.get(setting_name(plugin), {})
    if not isinstance(table, Mapping):
        raise WrongSetting((), f"the file's {plugin} is no table of settings")
    layers = {
        SettingSource.FILE: table,
        SettingSource.ENVIRONMENT: _environment(plugin, model, sources.environ),
        SettingSource.STAFF: stored or {},
    }
    for source in (SettingSource.FILE, SettingSource.STAFF):
        _check_names(model, layers[source], source, secrets(model))
    try:
        merged: dict[str, Any] = {k: v.model_dump() for k, v in model() if isinstance(v, BaseModel)}
        for layer in layers.values():
            merged = over(model, merged, layer)
        own = Held(model, model.model_validate(merged), layers)
    except ValidationError as error:
        raise _wrong(plugin, model, layers, error) from None  # its text would quote a secret
    _check_texts(plugin, own, secrets(model))
    return own


def _leaves(values: BaseModel, hidden: frozenset[Place], path: Place = ()) -> Iterator[tuple[Place, Any]]:
    for name, value in values:
        here = (*path, name)
        if isinstance(value, BaseModel) and here not in hidden:
            yield from _leaves(value, hidden, here)
        else:
            yield here, value


def _source(layers: Mapping[SettingSource, Mapping[str, Any]], path: Place) -> SettingSource:
    return next((source for source in reversed(list(layers)) if says(layers[source], path)), SettingSource.DEFAULT)


def _check_names(
    model: Model, layer: Mapping[str, Any], source: SettingSource, hidden: frozenset[Place], path: Place = ()
) -> None:
    for name, value in layer.items():
        here = (*path, name)
        told = ".".join(here)
        if name not in model.model_fields:
            near = meant(name, model.model_fields)
            raise WrongSetting(here, f"{_where(source, here)}: there is no setting {told!r}{near}")
        if here in hidden:
            raise WrongSetting(here, f"{_where(source, here)}: {told!r} is a secret; set it in the environment alone")
        nested = nested_model(model.model_fields[name].annotation)
        if nested is not None and isinstance(value, Mapping):
            _check_names(nested, value, source, hidden, here)
        elif any(there[: len(here)] == here for there in hidden) and value is not None:
            raise WrongSetting(here, f"{_where(source, here)}: {told!r} is a table of settings")


def _check_texts(plugin: str, own: Held, hidden: frozenset[Place]) -> None:
    for path, value in _leaves(own.values, hidden):
        if path not in hidden and not is_utf8_within(value):
            raise WrongSetting(path, f"{_whence(plugin, own.source(path), path)}: it has {NO_TEXT}")


class _Environment(EnvSettingsSource):
    """Reads a model from an environment that is given."""

    def __init__(self, model: Model, prefix: str, environ: Mapping[str, str]) -> None:
        self._environ = environ
        super().__init__(cast(type[BaseSettings], model), False, prefix, env_nested_delimiter=NESTED)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._environ.items()}


def _environment(plugin: str, model: Model, environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        return _Environment(model, prefix(plugin), environ)()
    except Unparsed as error:
        name = next((name for name in model.model_fields if f'"{name}"' in str(error)), "")
        raise WrongSetting((name,), f"{prefix(plugin)}{name.upper()}: it is no JSON of the setting {name!r}") from None


def prefix(plugin: str) -> str:
    """Return what the names of a plugin's settings begin with in the environment."""
    return f"{PREFIX}{setting_name(plugin).upper()}_"


def _wrong(
    plugin: str, model: Model, layers: Mapping[SettingSource, Mapping[str, Any]], error: ValidationError
) -> WrongSetting:
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = tuple(map(str, fault["loc"]))
    source = _source(layers, path)
    hidden = any(there[: len(path)] == path[: len(there)] for there in secrets(model))
    told = "it is wrong, as a secret or beside one" if hidden else fault["msg"]
    return WrongSetting(path, f"{_whence(plugin, source, path)}: {told}")


def _whence(plugin: str, source: SettingSource, path: Place) -> str:
    is_named = source is SettingSource.ENVIRONMENT
    return prefix(plugin) + NESTED.join(path).upper() if is_named else _where(source, path)


def _where(source: SettingSource, path: Place) -> str:
    whence = {SettingSource.FILE: "from the settings' file", SettingSource.STAFF: "set at run time"}
    name = f"the setting {'.'.join(path)!r}" if path else "the settings"
    return f"{name} {whence.get(source, 'by default')}"


def meant(name: str, known: Iterable[str], alike: float = 0.6) -> str:
    """Return how to go on about a name that nothing has: with what is nearly named so, from 0 to 1, if anything is."""
    near = get_close_matches(name, list(known), 1, alike)
    return f"; is {near[0]!r} meant?" if near else ""


def dumped(settings: Mapping[str, Any]) -> str:
    """Return settings as JSON text, as they are stored.

    Raises:
        ValueError: they are no JSON.
    """
    return json.dumps(settings, ensure_ascii=False, allow_nan=False, sort_keys=True)
