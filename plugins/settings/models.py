"""What a model of settings has to be, and which of its fields are secrets."""

from collections.abc import Sequence
from types import UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel, Secret, SecretBytes, SecretStr

from graph.errors import PluginError
from plugins.texts import NO_TEXT, is_utf8_within

Model: TypeAlias = type[BaseModel]
Place: TypeAlias = tuple[str, ...]
"""Of a field: its name, after those of the models that it is nested in."""


def check_model(model: Model) -> None:
    """Return if a model can be a plugin's settings.

    Raises:
        PluginError: it is none, is not frozen, or has a field without default or description, with an alias, or with
            a text that UTF-8 cannot say.
    """
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        raise PluginError(f"its settings are {model!r}, which is no pydantic model")
    if not model.model_config.get("frozen"):
        raise PluginError(f"its settings {model.__name__} are not frozen")
    for name, own in model.model_fields.items():
        if own.is_required() or not own.description:
            raise PluginError(f"its setting {name!r} has no {'default' if own.is_required() else 'description'}")
        if own.alias or own.validation_alias:
            raise PluginError(f"its setting {name!r} has an alias")
        if not all(map(is_utf8_within, (own.title, own.description, own.default))):
            raise PluginError(f"its setting {name!r} has {NO_TEXT}")
        nested = nested_model(own.annotation)
        if nested is not None:
            check_model(nested)


def secrets(model: Model, path: Place = ()) -> frozenset[Place]:
    """Return where a model has secrets; a field with one anywhere in it is one, but for a nested model."""
    found = set[Place]()
    for name, own in model.model_fields.items():
        nested = nested_model(own.annotation)
        if nested is not None:
            found |= secrets(nested, (*path, name))
        elif _has_secret(own.annotation):
            found.add((*path, name))
    return frozenset(found)


def nested_model(annotation: Any) -> Model | None:
    """Return the model that a field holds, if it is one, or one or None."""
    options = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    models = [option for option in options if option is not type(None)]
    only = models[0] if len(models) == 1 else None
    return only if isinstance(only, type) and issubclass(only, BaseModel) else None


def names_beside(model: Model, name: str) -> Sequence[str]:
    """Return the names of a model's fields or, with dots, of the nested model's of which such a name would be one."""
    *outer, _ = name.split(".")
    for part in outer:
        own = model.model_fields.get(part)
        nested = nested_model(own.annotation) if own else None
        if nested is None:
            return ()
        model = nested
    return [".".join((*outer, field)) for field in model.model_fields]


def _has_secret(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, SecretStr | SecretBytes | Secret):
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(_has_secret(own.annotation) for own in annotation.model_fields.values())
    return get_origin(annotation) is Secret or any(_has_secret(part) for part in get_args(annotation))
