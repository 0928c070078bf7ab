"""Settings over settings: field by field, also within nested models."""

from collections.abc import Mapping
from typing import Any

from plugins.settings.models import Model, Place, nested_model


def over(model: Model, lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of a model with what others of it say in their place."""
    both = {}
    for name in model.model_fields.keys() & lower.keys() & upper.keys():
        nested = nested_model(model.model_fields[name].annotation)
        if nested and isinstance(lower[name], Mapping) and isinstance(upper[name], Mapping):
            both[name] = over(nested, lower[name], upper[name])
    return {**lower, **upper, **both}


def without(settings: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """Return settings that say nothing at a place."""
    name, *deeper = place
    left = {other: value for other, value in settings.items() if other != name}
    inner = settings.get(name)
    if deeper and isinstance(inner, Mapping) and (kept := without(inner, tuple(deeper))):
        left[name] = kept
    return left


def says(layer: Any, place: Place) -> bool:
    """Whether settings say something at a place, or of what it is in as a whole."""
    for name in place:
        if not isinstance(layer, Mapping):
            return True
        if name not in layer:
            return False
        layer = layer[name]
    return bool(place)
