"""Carries values of fields and their arguments between processes as JSON, by their shapes; no code of a plugin runs."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from plugins.fields.shapes import Attribute, Choice, Listed, Maybe, Scalar, Shape, Structure

Arguments: TypeAlias = Mapping[str, Any]

FROM_TEXT: Final[Mapping[type, Callable[[str], Any]]] = {
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    Decimal: Decimal,
}


def packed(shape: Shape, value: Any) -> Any:
    """Return what JSON can say of a value of a shape."""
    match shape:
        case Maybe(of):
            return None if value is None else packed(of, value)
        case Scalar(own):
            return str(value) if own in FROM_TEXT else value
        case Choice():
            return value.name
        case Listed(of):
            return [packed(of, item) for item in value]
        case Structure():
            return {own.name: packed(own.shape, getattr(value, own.name)) for own in shape.attributes}


def unpacked(shape: Shape, told: Any) -> Any:
    """Return the value that was packed; raises LookupError, TypeError or ValueError where nothing of the shape was."""
    match shape:
        case Maybe(of):
            return None if told is None else unpacked(of, told)
        case Scalar(own):
            return FROM_TEXT[own](told) if own in FROM_TEXT else told
        case Choice(own):
            return own[told]
        case Listed(of):
            return tuple(unpacked(of, item) for item in told)
        case Structure(own):
            made: Any = object.__new__(own)
            for attribute in shape.attributes:
                object.__setattr__(made, attribute.name, unpacked(attribute.shape, told[attribute.name]))
            return made


def packed_arguments(parameters: tuple[Attribute, ...], given: Arguments) -> Arguments:
    """Return the arguments of a field that are given, as JSON can say them."""
    return {own.name: packed(own.shape, given[own.name]) for own in parameters if own.name in given}


def unpacked_arguments(parameters: tuple[Attribute, ...], told: Arguments) -> Arguments:
    """Return the arguments that were packed; raises as ``unpacked``."""
    return {own.name: unpacked(own.shape, told[own.name]) for own in parameters if own.name in told}
