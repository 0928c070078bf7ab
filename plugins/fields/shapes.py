"""What plugins' fields give and take: scalars, enumerations, frozen dataclasses, tuples and ``| None`` of such.

A shape is a type that was looked at once: it is of a kind that the schema can have, and all of it is described.
"""

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, TypeAlias, Union

from graph import words
from graph.errors import PluginError
from plugins.fields.names import TYPE_NAME, VALUE_NAME, check_distinct, check_name
from plugins.source_texts import attribute_texts, description_of

SCALARS: Final = (str, int, float, bool, date, datetime, Decimal)
OFFERED: Final = (
    "str, int, float, bool, date, datetime, Decimal, an Enum, a frozen dataclass, or a tuple or | None of one"
)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar."""

    type: type


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """An enumeration, with a description for each value's name; the bank's own need none."""

    type: type[Enum]
    description: str
    values: Mapping[str, str]

    @property
    def is_banks(self) -> bool:
        """Whether it is one of the bank's vocabularies, which the schema has anyway."""
        return is_banks(self.type)


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """A frozen dataclass."""

    type: type
    description: str
    attributes: "tuple[Attribute, ...]"


@dataclass(frozen=True, slots=True)
class Listed:
    """A tuple of any length."""

    of: "Shape"


@dataclass(frozen=True, slots=True)
class Maybe:
    """Something, or None."""

    of: "Shape"


Shape: TypeAlias = Scalar | Choice | Structure | Listed | Maybe


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """An attribute of a dataclass, or a parameter, which has a default."""

    name: str
    shape: Shape
    description: str
    default: Any = None


def is_banks(own: type) -> bool:
    """Whether an enumeration is one of the bank's vocabularies."""
    return own.__module__ == words.__name__


def shape_of(given: Any, above: tuple[type, ...] = ()) -> Shape:
    """Return the shape of a type; ``above`` are the dataclasses that it is in.

    Raises:
        PluginError: the schema cannot have it, or something of it has no description.
    """
    origin, arguments = typing.get_origin(given), typing.get_args(given)
    if origin is Annotated:
        return shape_of(arguments[0], above)
    if origin in (Union, types.UnionType):
        rest = [argument for argument in arguments if argument is not type(None)]
        if len(rest) == 1 and len(arguments) == 2:
            return Maybe(_beside_none(shape_of(rest[0], above), given))
    elif origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return Listed(_listed(shape_of(arguments[0], above), given))
    elif given in SCALARS:
        return Scalar(given)
    elif isinstance(given, type) and issubclass(given, Enum):
        return _choice(given)
    elif isinstance(given, type) and is_dataclass(given):
        return structure_of(given, above)
    raise PluginError(f"{_told(given)} is no type of a field, which is {OFFERED}")


def structure_of(own: type, above: tuple[type, ...] = ()) -> Structure:
    """Return the shape of a dataclass.

    Raises:
        PluginError: it is not frozen, in itself, empty, or not described; or as ``shape_of`` says, of an attribute.
    """
    name = getattr(own, "__name__", repr(own))
    if not isinstance(own, type) or not is_dataclass(own) or not own.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # dataclasses' own
        raise PluginError(f"{name} is no frozen dataclass")
    if own in above:
        raise PluginError(f"{name} is in itself")
    if not TYPE_NAME.fullmatch(name):
        raise PluginError(f"{name} is no name of a type: it has letters and digits, the first a capital")
    hints, texts = _hints(own), attribute_texts(own)
    attributes = []
    for field in fields(own):
        what = f"{name}.{field.name}"
        text = _annotated_text(hints[field.name]) or texts.get(field.name)
        if not text:
            raise PluginError(f"{what} has no description: a text in quotes below it, or Annotated[…, 'a text']")
        shape = _shape_at(what, hints[field.name], (*above, own))
        attributes.append(Attribute(check_name(field.name, what), shape, text))
    if not attributes:
        raise PluginError(f"{name} has no attributes")
    check_distinct([attribute.name for attribute in attributes], name)
    return Structure(own, _described(own), tuple(attributes))


def parameters_of(resolve: Callable[..., Any]) -> tuple[Attribute, ...]:
    """Return the parameters of a function behind its first: what callers of the field may say.

    Raises:
        PluginError: the function is none that can be called so, or one has no type, default or description.
    """
    if not callable(resolve) or inspect.iscoroutinefunction(resolve):
        raise PluginError("resolve is no plain function")
    try:
        first, *rest = inspect.signature(resolve).parameters.values()
    except ValueError as error:
        raise PluginError("resolve takes nothing, and is to take what it is asked of") from error
    if first.kind not in (first.POSITIONAL_ONLY, first.POSITIONAL_OR_KEYWORD):
        raise PluginError("resolve does not take what it is asked of as its first argument")
    hints = _hints(resolve) if rest else {}
    check_distinct([parameter.name for parameter in rest], "resolve")
    return tuple(_parameter(parameter, hints.get(parameter.name)) for parameter in rest)


def structures(shape: Shape) -> Iterator[Structure | Choice]:
    """Yield the types with a name of their own that a shape is made of, itself included."""
    match shape:
        case Listed(of) | Maybe(of):
            yield from structures(of)
        case Structure():
            yield shape
            for attribute in shape.attributes:
                yield from structures(attribute.shape)
        case Choice() if not shape.is_banks:
            yield shape


def _parameter(parameter: inspect.Parameter, hint: Any) -> Attribute:
    what = f"the argument {parameter.name}"
    if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        raise PluginError(f"{what} of resolve cannot be given by name")
    if hint is None or parameter.default is parameter.empty:
        raise PluginError(f"{what} of resolve has no type, or no default")
    text = _annotated_text(hint)
    if not text:
        raise PluginError(f"{what} has no description: Annotated[…, 'a text']")
    shape = _shape_at(what, hint)
    if any(isinstance(part, Structure) for part in structures(shape)):
        raise PluginError(f"{what} is a dataclass, which no argument can be")
    return Attribute(check_name(parameter.name, what), shape, text, parameter.default)


def _choice(own: type[Enum]) -> Choice:
    if is_banks(own):
        return Choice(own, "", {})
    texts = attribute_texts(own)
    if not TYPE_NAME.fullmatch(own.__name__) or not len(own):
        raise PluginError(f"{own.__name__} has no values, or no name with letters and digits, the first a capital")
    for name in own.__members__:
        if not VALUE_NAME.fullmatch(name):
            raise PluginError(f"{own.__name__}.{name} is no name of a value: it has capitals, digits and underscores")
        if not texts.get(name):
            raise PluginError(f"{own.__name__}.{name} has no description: a text in quotes below it")
    return Choice(own, _described(own), {one.name: texts[one.name] for one in own})


def _beside_none(shape: Shape, given: Any) -> Shape:
    if isinstance(shape, Maybe):
        raise PluginError(f"{_told(given)} is None in two ways")
    return shape


def _listed(shape: Shape, given: Any) -> Shape:
    if isinstance(shape, Listed | Maybe):
        raise PluginError(f"{_told(given)} is a tuple of tuples, or has gaps: give a tuple of a dataclass")
    return shape


def _described(own: type) -> str:
    text = description_of(own)
    if not text:
        raise PluginError(f"{own.__name__} has no docstring, which is its description")
    return text


def _hints(own: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(own, include_extras=True)
    except Exception as error:
        raise PluginError(f"the types of {getattr(own, '__name__', own)!r} cannot be read: {error}") from error


def _annotated_text(hint: Any) -> str | None:
    if typing.get_origin(hint) is not Annotated:
        return None
    return next((extra.strip() for extra in typing.get_args(hint)[1:] if isinstance(extra, str)), None)


def _shape_at(what: str, given: Any, above: tuple[type, ...] = ()) -> Shape:
    try:
        return shape_of(given, above)
    except PluginError as error:
        raise PluginError(f"{what}: {error}") from error


def _told(given: Any) -> str:
    return given.__name__ if isinstance(given, type) and not typing.get_args(given) else str(given)
