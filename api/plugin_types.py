"""Makes strawberry's types of what plugins' fields give and take, under the plugin's prefix."""

import re
from collections.abc import Callable
from typing import Any, Final

import strawberry
from strawberry.types.base import StrawberryList, StrawberryOptional
from strawberry.types.enum import EnumValue, StrawberryEnumDefinition

from api.costs import PAGE_SIZE, ListSize, assumed
from graph.errors import PluginError
from plugins.fields.checks import PLUGIN
from plugins.fields.names import camel
from plugins.fields.shapes import Attribute, Choice, Listed, Maybe, Scalar, Shape, Structure, structures

WORDS: Final = re.compile(r"[^A-Za-z0-9]+")


@strawberry.interface(
    description="What a reason of an offer says, as a plugin puts it; each plugin has types of its own."
)
class PluginFacts:
    """The facts of a reason."""

    plugin: str = strawberry.field(description="The plugin whose facts they are.")


class Prefixed:
    """The types of one plugin, each made once."""

    def __init__(self, plugin: str) -> None:
        """Take the plugin's name for a prefix.

        Raises:
            PluginError: it cannot be one.
        """
        parts = [part for part in WORDS.split(plugin) if part]
        whole = "".join(part[0].upper() + part[1:] for part in parts)
        if not whole or not plugin.isascii() or whole[0].isdigit():
            raise PluginError(f"its name {plugin!r} cannot begin the names of its types: they begin with a letter")
        self.plugin = plugin
        self.prefix = whole
        self.field_name = whole[0].lower() + whole[1:]
        self._made: dict[type, Any] = {}

    def facts(self, shape: Structure) -> type:
        """Return the type of facts."""
        own, name = shape.type, self.plugin
        fields = self._fields(shape) | {
            PLUGIN: strawberry.field(lambda: name, description="The plugin whose facts they are.", graphql_type=str),
            "is_type_of": classmethod(lambda _, value, __: type(value) is own),
        }
        made = strawberry.type(self.made(own.__name__, fields, (PluginFacts,)), description=shape.description)
        self._made[own] = made
        return made

    def made(self, name: str, fields: dict[str, Any], bases: tuple[type, ...] = ()) -> type:
        """Return a class under the prefix; strawberry takes those of one qualified name for the same type."""
        return type(f"{self.prefix}{name}", bases, fields | {"__qualname__": f"{self.plugin}.{name}"})

    def of(self, shape: Shape) -> Any:
        """Return the type of a shape."""
        match shape:
            case Scalar(own):
                return own
            case Listed(of):
                return StrawberryList(self.of(of))
            case Maybe(of):
                return StrawberryOptional(self.of(of))
            case Choice():
                return self._once(shape.type, lambda: self._choice(shape))
            case Structure():
                return self._once(shape.type, lambda: self._structure(shape))

    def _once(self, own: type, make: Callable[[], Any]) -> Any:
        if own not in self._made:
            self._made[own] = make()
        return self._made[own]

    def _choice(self, shape: Choice) -> Any:
        own = shape.type
        if shape.is_banks:
            if not hasattr(own, "__strawberry_definition__"):
                raise PluginError(f"{own.__name__} is not in the bank's schema")
            return own
        values = [EnumValue(one.name, one.value, description=shape.values[one.name]) for one in own]
        return StrawberryEnumDefinition(own, f"{self.prefix}{own.__name__}", values, shape.description)

    def _structure(self, shape: Structure) -> type:
        return strawberry.type(self.made(shape.type.__name__, self._fields(shape)), description=shape.description)

    def _fields(self, shape: Structure) -> dict[str, Any]:
        return {"__annotations__": {attribute.name: Any for attribute in shape.attributes}} | {
            attribute.name: self._field(attribute) for attribute in shape.attributes
        }

    def _field(self, attribute: Attribute) -> Any:
        return strawberry.field(
            name=camel(attribute.name),
            description=attribute.description,
            directives=sizes(attribute.shape),
            graphql_type=self.of(attribute.shape),
        )


def sizes(shape: Shape) -> list[ListSize]:
    """Return how long a list of objects is taken to be."""
    inner = shape.of if isinstance(shape, Maybe) else shape
    has_objects = isinstance(inner, Listed) and any(isinstance(part, Structure) for part in structures(inner))
    return [assumed(PAGE_SIZE)] if has_objects else []
