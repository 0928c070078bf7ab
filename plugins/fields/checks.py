"""Checks what a plugin registers for the GraphQL schema, and every value that comes of it."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, get_args

from graph.errors import PluginError
from plugins.contract import Facts, Field, On
from plugins.failures.telling import ours
from plugins.fields.names import check_distinct, check_name
from plugins.fields.shapes import (
    Attribute,
    Choice,
    Listed,
    Maybe,
    Scalar,
    Shape,
    Structure,
    parameters_of,
    shape_of,
    structure_of,
    structures,
)
from plugins.texts import NO_TEXT, is_utf8

LARGEST: Final = 2**31 - 1
MOST_LISTED: Final = 100
"""Of a tuple's items."""
MOST_COST: Final = 1_000
ON: Final[tuple[On, ...]] = get_args(On)
WHAT: Final = "what it gave"
"""What a field's value is called where it is wrong."""
PLUGIN: Final = "plugin"
"""What every type of facts has beside its own: the plugin's name."""


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """A field that was looked at."""

    field: Field
    shape: Shape
    parameters: tuple[Attribute, ...]


def checked_field(field: Field) -> Checked:
    """Return a field with the shapes of what it gives and takes.

    Raises:
        PluginError: the schema cannot have it.
    """
    if field.on not in ON:
        raise PluginError(f"a field is on {field.on!r}, which is none of {', '.join(ON)}")
    check_name(field.name, "a field")
    what = f"the field {field.name}"
    if not isinstance(field.description, str) or not field.description.strip():
        raise PluginError(f"{what} has no description")
    if type(field.cost) is not int or not 0 <= field.cost <= MOST_COST:
        raise PluginError(f"{what} costs {field.cost!r}, which is no whole number from 0 to {MOST_COST:,}")
    if not isinstance(field.for_customers, bool):
        raise PluginError(f"for_customers of {what} is {field.for_customers!r}, neither True nor False")
    try:
        shape, parameters = shape_of(field.type), parameters_of(field.resolve)
        _check_described(shape, field.description)
        for parameter in parameters:
            _check_described(parameter.shape, parameter.description)
            check_value(parameter.shape, parameter.default, f"the default of {parameter.name}")
    except (PluginError, TypeError, ValueError) as error:
        raise PluginError(f"{what}: {error}") from error
    return Checked(field, shape, parameters)


def check_schema(fields: Sequence[Field], facts: Sequence[Facts]) -> None:
    """Return if the schema can have a plugin's fields and types of facts, by themselves.

    Raises:
        PluginError: it cannot have one, or two share a name.
    """
    checked = [checked_field(field) for field in fields]
    for on in ON:
        check_distinct([one.field.name for one in checked if one.field.on == on], f"the plugin's {on}")
    of_facts = [checked_facts(one.type) for one in facts]
    shapes = [one.shape for one in checked] + [p.shape for one in checked for p in one.parameters]
    named = {part.type for shape in (*shapes, *of_facts) for part in structures(shape)}
    taken = Counter(own.__name__ for own in named)
    for name, times in taken.items():
        if times > 1 or name in ON:
            raise PluginError(f"a type is named {name}, as another is")
    given = {part.type for shape in shapes for part in structures(shape)}
    if len(set(facts)) < len(facts) or any(one.type in given for one in facts):
        raise PluginError("a type of facts is registered twice, or is what a field gives as well")


def checked_facts(own: type) -> Structure:
    """Return the shape of a type of facts.

    Raises:
        PluginError: the schema cannot have it.
    """
    shape = structure_of(own)
    _check_described(shape)
    if any(attribute.name == PLUGIN for attribute in shape.attributes):
        raise PluginError(f"{own.__name__}.{PLUGIN} is what all facts have: the plugin's name")
    return shape


def _check_described(shape: Shape, *texts: str) -> None:
    """Return if UTF-8 can say texts, and those of a shape, all the way down; raises PluginError."""
    said = list(texts)
    for part in structures(shape):
        below = part.values.values() if isinstance(part, Choice) else [own.description for own in part.attributes]
        said += [part.description, *below]
    if not all(map(is_utf8, said)):
        raise PluginError(f"it is described with {NO_TEXT}")


def check_value(shape: Shape, value: object, what: str) -> None:
    """Return if a value is of a shape, all the way down.

    Raises:
        TypeError, ValueError: it is not, or GraphQL cannot say it.
    """
    match shape:
        case Maybe(of):
            if value is not None:
                check_value(of, value, what)
        case Scalar(own):
            CHECKS[own](value, what)
        case Listed(of):
            _check_items(of, value, what)
        case Choice(own):
            _of(own)(value, what)
        case Structure(own):
            _of(own)(value, what)
            for attribute in shape.attributes:
                check_value(attribute.shape, getattr(value, attribute.name, None), f"{what}.{attribute.name}")


def _check_items(of: Shape, value: object, what: str) -> None:
    if not isinstance(value, tuple):
        raise ours(TypeError(f"{what} is {type(value).__name__}, not a tuple"))
    if len(value) > MOST_LISTED:
        said = f"{what} has {len(value):,} items; {MOST_LISTED} is the most"
        raise ours(ValueError(said), f"{what} has more than {MOST_LISTED} items")
    for place, item in enumerate(value):
        check_value(of, item, f"{what}[{place}]")


def _of(*kinds: type, but: tuple[type, ...] = ()) -> Callable[[Any, str], None]:
    def check(value: Any, what: str) -> None:
        if not isinstance(value, kinds) or isinstance(value, but):
            raise ours(TypeError(f"{what} is {type(value).__name__}, not {kinds[0].__name__}"))

    return check


def _check_str(value: Any, what: str) -> None:
    _of(str)(value, what)
    if not is_utf8(value):
        raise ours(ValueError(f"{what} has {NO_TEXT}"))


def _check_int(value: Any, what: str) -> None:
    _of(int, but=(bool,))(value, what)
    if abs(value) > LARGEST:
        raise ours(ValueError(f"{what} is beyond the 32 bits of GraphQL's Int"))


def _check_float(value: Any, what: str) -> None:
    _of(float, int, but=(bool,))(value, what)
    if not math.isfinite(value):
        raise ours(ValueError(f"{what} is no finite number"))


def _check_decimal(value: Any, what: str) -> None:
    _of(Decimal)(value, what)
    if not value.is_finite():
        raise ours(ValueError(f"{what} is no finite number"))


CHECKS: Final[dict[type, Callable[[Any, str], None]]] = {
    str: _check_str,
    bool: _of(bool),
    int: _check_int,
    float: _check_float,
    Decimal: _check_decimal,
    date: _of(date, but=(datetime,)),
    datetime: _of(datetime),
}
