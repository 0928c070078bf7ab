"""Walks the whole schema: a document for every edge between types, and what a role reads at each field."""

import base64
import binascii
import json
import re
from collections import deque

from graphql import (
    GraphQLObjectType,
    build_schema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
)

RANKS = ("yes", "other", "masked", "null")
"""What a field may show, the most first; then a refusal's code, and at last ``-``: nothing leads there."""
VOLATILE = {
    "AccessReport.document",
    "AccessReport.generatedAt",
    "Offer.id",
    "RecommenderInfo.calls",
    "RecommenderInfo.failures",
    "RecommenderInfo.meanMs",
}
"""What differs from one answer to the next, whoever asks."""


class Walk:
    """Documents for every edge of a schema.

    ``arguments`` has, by ``Type.field``, the arguments of each field that cannot do without.
    """

    def __init__(self, sdl, arguments):
        self.schema = build_schema(sdl)
        self.arguments = arguments

    def fields(self):
        """Every field there is, as ``Type.field``."""
        return {
            f"{kind.name}.{field}"
            for name, kind in self.schema.type_map.items()
            if isinstance(kind, GraphQLObjectType) and not name.startswith("__")
            for field in kind.fields
        }

    def roots(self, operation):
        """Yield a document for each root field alone: where one is refused, nothing is told of its neighbours."""
        root = self.schema.get_root_type(operation)
        for name in root.fields:
            yield root, (), (name,), f"{operation.value} {{ {self._selected(root, name)} }}"

    def edges(self, operation):
        """Yield a document for every way into a type, by a shortest way to its parent, that reads all its fields."""
        root = self.schema.get_root_type(operation)
        shortest, queue = {root: ()}, deque([root])
        while queue:
            parent = queue.popleft()
            for name, target, always in self._below(parent):
                way = (*shortest[parent], (parent, name, target))
                yield target, tuple(step for _, step, _ in way), tuple(target.fields), self._document(operation, way)
                if always and target not in shortest:
                    shortest[target] = way
                    queue.append(target)

    def _below(self, parent):
        """The types below one, and whether the field leads to that type whatever it is asked for."""
        for name, field in parent.fields.items():
            kind = get_named_type(field.type)
            if isinstance(kind, GraphQLObjectType):
                yield name, kind, True
            elif is_abstract_type(kind):
                yield from ((name, target, False) for target in self.schema.get_possible_types(kind))

    def _document(self, operation, way):
        target = way[-1][2]
        inner = " ".join(self._selected(target, name) for name in target.fields)
        for parent, name, following in reversed(way):
            inner = f"{self._called(parent, name)} {{ ... on {following.name} {{ {inner} }} }}"
        return f"{operation.value} {{ {inner} }}"

    def _selected(self, parent, name):
        """A field with nothing below it, but for the errors of a payload."""
        kind = get_named_type(parent.fields[name].type)
        below = (
            ""
            if is_leaf_type(kind)
            else " { errors { code } }"
            if "errors" in getattr(kind, "fields", ())
            else " { __typename }"
        )
        return self._called(parent, name) + below

    def _called(self, parent, name):
        key, field = f"{parent.name}.{name}", parent.fields[name]
        required = [argument for argument, told in field.args.items() if is_required_argument(told)]
        assert key in self.arguments or not required, f"say with which arguments {key} is walked: {required}"
        return f"{name}({self.arguments[key]})" if key in self.arguments else name


def reached(data, way):
    """The objects at the end of a way, through lists."""
    found = [data] if data else []
    for name in way:
        found = [below for thing in found for below in flat(thing.get(name))]
    return found


def flat(value):
    return [item for item in value if item] if isinstance(value, list) else [value] if value else []


def shown(answer, whole, way, name, key):
    """What an answer shows of a field at the end of a way, beside what ``whole`` does."""
    for error in answer.get("errors", ()):
        if [step for step in error.get("path") or () if isinstance(step, str)] == [*way, name]:
            return error["extensions"]["code"]
    values, everything = (
        [thing[name] for thing in reached(told.get("data"), way) if name in thing] for told in (answer, whole)
    )
    if not values:
        return "-"
    refused = [value["errors"] for value in values if isinstance(value, dict) and value.get("errors")]
    if refused:
        return refused[0][0]["code"]
    if all(value in (None, [], {}) for value in values):
        return "null"
    if any(isinstance(value, str) and value.startswith("••••") for value in values):
        return "masked"
    return "yes" if key in VOLATILE or values == everything else "other"


def most(outcomes):
    """The most of several outcomes."""
    for rank in RANKS:
        if rank in outcomes:
            return rank
    return next((outcome for outcome in sorted(outcomes) if outcome != "-"), "-")


def texts(value):
    """Every text in an answer, and what it says to who decodes it."""
    for text in re.findall(r"[\w\-=+/.]+", json.dumps(value, ensure_ascii=False)):
        yield text
        for part in (text, *text.split(".")):
            yield from decoded(part)


def decoded(text):
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, UnicodeError, ValueError):
        return
    yield plain
    if plain.count(".") == 2:
        yield from (inner for part in plain.partition(":")[2].split(".") for inner in decoded(part))
