"""What of a plugin the schema cannot have breaks that plugin, with a message that says what, and no other."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from types import ModuleType
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guanxi import Facts, Field, hookimpl
from plugins.fields.checks import MOST_LISTED, check_value, checked_field
from plugins.fields.shapes import shape_of
from plugins.host import PluginHost


@dataclass(frozen=True)
class Bed:
    """A bed."""

    number: int
    "Its number."


@dataclass(frozen=True)
class Ward:
    """A ward."""

    beds: tuple[Bed, ...]
    "Its beds."
    kind: "Kind | None" = None
    "What it is for."


class Kind(Enum):
    """What a ward is for."""

    HEART = 1
    "Hearts."


@dataclass(frozen=True)
class Halved:
    """A half."""

    number: int
    "Its number."


Halved.__doc__ = "A \ud800."


@dataclass(frozen=True)
class HalfSaid:
    """A thing."""

    number: int
    "Its \ud800."


class HalfChosen(Enum):
    """What it is."""

    ONE = 1
    "A \ud800."


def half_asked(_, word: Annotated[str, "A \ud800."] = ""):
    return word


def half_by_default(_, word: Annotated[str, "A word."] = "\ud800"):
    return word


HALF = "is described with a lone surrogate, which is no text"


@dataclass
class Thawed:
    """A changing thing."""

    number: int
    "Its number."


@dataclass(frozen=True)
class Silent:
    """A thing."""

    number: int


@dataclass(frozen=True)
class Undescribed:
    number: int
    "Its number."


@dataclass(frozen=True)
class Empty:
    """Nothing."""


@dataclass(frozen=True)
class Node:
    """A node."""

    below: "tuple[Node, ...]"
    "What is below."


@dataclass(frozen=True)
class Lost:
    """Of a type that is nowhere."""

    ward: "Nowhere"  # noqa: F821
    "Nowhere."


@dataclass(frozen=True)
class Twice:
    """Two attributes that GraphQL writes alike."""

    a_1: int
    "One."
    a1: int
    "The same."


@dataclass(frozen=True)
class Shouting:
    """A name that is none."""

    Number: int
    "Its number."


@dataclass(frozen=True)
class _Hidden:
    """A name that is none."""

    number: int
    "Its number."


@dataclass(frozen=True)
class Customer:
    """As the plugin's own fields of a customer."""

    number: int
    "Its number."


@dataclass(frozen=True)
class Plugged:
    """With what all facts have."""

    plugin: str
    "The plugin."


class Mute(Enum):
    """An enumeration of values that say nothing."""

    ONE = 1


class Small(Enum):
    """An enumeration with a name that is none."""

    one = 1
    "One."


class NoValues(Enum):
    """An enumeration of nothing."""


def another_bed():
    @dataclass(frozen=True)
    class Bed:
        """Another bed."""

        length: int
        "In centimetres."

    return Bed


def field(type_=int, resolve=lambda _: 1, **own):
    return Field(
        **{"on": "Customer", "name": "own", "type": type_, "resolve": resolve, "description": "His own."} | own
    )


def untyped(_, count=1):
    return count


def undescribed(_, count: int = 1):
    return count


def needed(_, count: Annotated[int, "How many."]):
    return count


def positional(_, count: Annotated[int, "How many."] = 1, /):
    return count


def many(_, *counts: Annotated[int, "How many."]):
    return counts


def any_named(_, **counts: Annotated[int, "How many."]):
    return counts


def wrong_default(_, count: Annotated[int, "How many."] = "one"):
    return count


def of_wards(_, ward: Annotated[Ward | None, "Which."] = None):
    return ward


def alike(_, a_1: Annotated[int, "One."] = 1, a1: Annotated[int, "The same."] = 1):
    return a_1 + a1


async def waits(_):
    return 1


MALFORMED = {
    "another type": (field(on="Offer"), "a field is on 'Offer'"),
    "no name": (field(name=""), "a field is named ''"),
    "a name with capitals": (field(name="ownCard"), "a field is named 'ownCard'"),
    "a name of introspection": (field(name="__typename"), "a field is named '__typename'"),
    "a name that is no text": (field(name=None), "a field is named None"),
    "no description": (field(description=" "), "the field own has no description"),
    "a description that is no text": (field(description=None), "the field own has no description"),
    "a cost below 0": (field(cost=-1), "the field own costs -1"),
    "a cost that is no number": (field(cost=True), "the field own costs True"),
    "customers neither in nor out": (field(for_customers="no"), "for_customers of the field own is 'no'"),
    "no type": (field(None), "None is no type of a field"),
    "anything": (field(Any), "Any is no type of a field"),
    "a dictionary": (field(dict[str, int]), "dict[str, int] is no type of a field"),
    "a list": (field(list[int]), "list[int] is no type of a field"),
    "a pair": (field(tuple[int, str]), "tuple[int, str] is no type of a field"),
    "one of two": (field(int | str), "int | str is no type of a field"),
    "a name of a type": (field("Ward"), "Ward is no type of a field"),
    "an array": (field(np.ndarray), "ndarray is no type of a field"),
    "a type that compares in its own way": (field(np.zeros(3)), "the field own: The truth value"),
    "a tuple of tuples": (field(tuple[tuple[int, ...], ...]), "is a tuple of tuples"),
    "a tuple with gaps": (field(tuple[int | None, ...]), "has gaps"),
    "a dataclass that changes": (field(Thawed), "Thawed is no frozen dataclass"),
    "a dataclass in a tuple that changes": (field(tuple[Thawed, ...]), "Thawed is no frozen dataclass"),
    "an attribute without description": (field(Silent), "Silent.number has no description"),
    "a dataclass without description": (field(Undescribed), "Undescribed has no docstring"),
    "an empty dataclass": (field(Empty), "Empty has no attributes"),
    "a dataclass in itself": (field(Node), "Node is in itself"),
    "a type that is nowhere": (field(Lost), "the types of 'Lost' cannot be read"),
    "two attributes alike": (field(Twice), "Twice has two named 'a1'"),
    "an attribute with a capital": (field(Shouting), "Shouting.Number is named 'Number'"),
    "a hidden dataclass": (field(_Hidden), "_Hidden is no name of a type"),
    "a dataclass of the bank's name": (field(Customer), "a type is named Customer, as another is"),
    "a value without description": (field(Mute), "Mute.ONE has no description"),
    "a value in small letters": (field(Small), "Small.one is no name of a value"),
    "an enumeration without values": (field(NoValues), "NoValues has no values"),
    "nothing to call": (field(resolve=7), "resolve is no plain function"),
    "a coroutine": (field(resolve=waits), "resolve is no plain function"),
    "a function of nothing": (field(resolve=lambda: 1), "resolve takes nothing"),
    "a function of named things": (field(resolve=lambda *, _: 1), "resolve does not take what it is asked of"),
    "an argument without type": (field(resolve=untyped), "the argument count of resolve has no type"),
    "an argument without description": (field(resolve=undescribed), "the argument count has no description"),
    "an argument without default": (field(resolve=needed), "the argument count of resolve has no type, or no default"),
    "an argument without name": (field(resolve=positional), "the argument count of resolve cannot be given by name"),
    "arguments of any number": (field(resolve=many), "the argument counts of resolve cannot be given by name"),
    "arguments of any name": (field(resolve=any_named), "the argument counts of resolve cannot be given by name"),
    "a default of another type": (field(resolve=wrong_default), "the default of count is str, not int"),
    "an argument that is a dataclass": (field(resolve=of_wards), "the argument ward is a dataclass"),
    "two arguments alike": (field(resolve=alike), "resolve has two named 'a1'"),
    "half a character of a field": (field(description="Its \ud800."), HALF),
    "half a character of a dataclass": (field(Halved), HALF),
    "half a character of an attribute": (field(tuple[HalfSaid, ...]), HALF),
    "half a character of a value": (field(HalfChosen), HALF),
    "half a character of an argument": (field(resolve=half_asked), HALF),
    "half a character as a default": (field(resolve=half_by_default), "the default of word has a lone surrogate"),
}


def plugin_of(fields=(), facts=()):
    @hookimpl
    def fields_(register):
        for own in fields:
            register(own)

    @hookimpl
    def facts_(register):
        for own in facts:
            register(Facts(own) if isinstance(own, type) else own)

    plugin = ModuleType("own")
    plugin.fields, plugin.facts = fields_, facts_
    return plugin


def broken(*fields, facts=()):
    """Why a plugin is, after the host has taken in a good one and it."""
    host = PluginHost()
    good = host.add(plugin_of([field(Ward)]), "good", "a test")
    bad = host.add(plugin_of([field(name="fine"), *fields], facts), "bad", "a test")
    assert good.state == "loaded"
    assert [info.name for _, info in host.of("fields")] == ["good"]
    assert bad.state == "broken"
    return bad.error


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_field_breaks_its_plugin_alone(name):
    own, said = MALFORMED[name]
    assert said in broken(own)


@pytest.mark.parametrize(
    ("fields", "facts", "said"),
    [
        ([field(), field()], (), "the plugin's Customer has two named 'own'"),
        ([field(name="a_1"), field(name="a1")], (), "the plugin's Customer has two named 'a1'"),
        ([field(Bed), field(another_bed(), name="other")], (), "a type is named Bed, as another is"),
        ([field(Ward), field(another_bed(), name="other")], (), "a type is named Bed, as another is"),
        ([field(Bed)], (Bed,), "a type of facts is registered twice, or is what a field gives as well"),
        ([], (Bed, Bed), "a type of facts is registered twice"),
        ([], (Plugged,), "Plugged.plugin is what all facts have"),
        ([], (Thawed,), "Thawed is no frozen dataclass"),
        ([], (Facts(7),), "7 is no frozen dataclass"),
        ([], (int,), "int is no frozen dataclass"),
        ([], (Halved,), HALF),
        ([], (Bed(1),), "registered Bed, which is no facts"),
        (["own"], (), "registered str, which is no field"),
    ],
)
def test_what_does_not_go_together_breaks_the_plugin_too(fields, facts, said):
    assert said in broken(*fields, facts=facts)


def test_texts_below_attributes_and_values_are_their_descriptions():
    shape = checked_field(field(Ward)).shape
    assert [attribute.description for attribute in shape.attributes] == ["Its beds.", "What it is for."]
    assert shape.attributes[1].shape.of.values == {"HEART": "Hearts."}
    assert shape.description == "A ward."


GOOD = {
    int: (2**31 - 1, -5),
    float: (1.5, 3, np.float64(2)),
    str: ("", "医"),
    bool: (True, False),
    date: (date(2020, 1, 1),),
    datetime: (datetime(2020, 1, 1, tzinfo=UTC),),
    Decimal: (Decimal("1.50"),),
    Kind: (Kind.HEART,),
    int | None: (None, 1),
    tuple[int, ...]: ((), (1, 2)),
    Ward: (Ward((Bed(1),)), Ward((), Kind.HEART)),
}
BAD = {
    int: (1.0, True, "1", None, 2**31, np.int64(1)),
    float: (math.nan, math.inf, True, "1", Decimal(1)),
    str: (1, None, b"x", "\ud800"),
    bool: (1, None, np.True_),
    date: (datetime(2020, 1, 1, tzinfo=UTC), "2020-01-01"),
    datetime: (date(2020, 1, 1),),
    Decimal: (1.5, Decimal("NaN"), Decimal("Infinity")),
    Kind: (1, "HEART", Mute.ONE),
    int | None: ("1",),
    tuple[int, ...]: ([1], 1, (None,), (1, "2"), (1,) * (MOST_LISTED + 1)),
    Ward: (None, {}, Ward([Bed(1)]), Ward((Bed("1"),)), Ward((), "HEART"), Bed(1)),
}


@pytest.mark.parametrize(("own", "value"), [(own, value) for own, values in GOOD.items() for value in values])
def test_a_value_of_its_type_is_taken(own, value):
    check_value(shape_of(own), value, "it")


@pytest.mark.parametrize(("own", "value"), [(own, value) for own, values in BAD.items() for value in values])
def test_a_value_of_another_type_is_not(own, value):
    with pytest.raises((TypeError, ValueError), match=r"^it"):
        check_value(shape_of(own), value, "it")


def test_a_wrong_value_is_told_by_its_place():
    with pytest.raises(TypeError, match=r"^it\.beds\[1\]\.number is str, not int$"):
        check_value(shape_of(Ward), Ward((Bed(1), Bed("2"))), "it")


@given(st.dictionaries(st.sampled_from(["on", "name", "type", "resolve", "description", "cost", "for_customers"]), st.one_of(st.none(), st.integers(), st.text(), st.binary(), st.floats(), st.lists(st.integers()), st.sampled_from([int, object, type, dict, Ward, Thawed, len, print, lambda: 1, Ellipsis])), min_size=1))  # fmt: skip
def test_whatever_a_field_is_made_of_the_host_goes_on(own):
    host = PluginHost()
    bad = host.add(plugin_of([field(**own)]), "bad", "a test")
    good = host.add(plugin_of([field(Ward)]), "good", "a test")
    assert good.state == "loaded"
    assert bad.state in ("loaded", "broken")
    assert (bad.error is None) == (bad.state == "loaded")
