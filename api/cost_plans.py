"""What an operation costs: an object 1, a field its ``@cost`` once for each parent, a list as often as it is long.

A plan is the part of an estimate that no variable changes, so that it is made once for a document. Fields that one
response key merges count once, as they are executed. ``@skip`` and ``@include`` are not looked at.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from api.costs import Cost, ListSize

INTROSPECTION: Final = 100
"""What ``__schema`` or ``__type`` costs, whatever is asked of it."""
DEFINITION: Final = "strawberry-definition"

Data: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A field of a plan, which has those only that cost something.

    Attributes:
        each: what one object costs beside its fields: 1, or 0 for a value.
        is_sized: its parent says how long the list is.
    """

    key: str
    node: FieldNode
    field: GraphQLField | None
    weight: int
    each: int
    is_list: bool
    is_sized: bool
    size: ListSize | None
    below: "Selection | None"


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What is selected of each type that an object may be of."""

    alternatives: tuple[tuple[Part, ...], ...]


class Plan:
    """What an operation selects, merged as it is executed."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._made: dict[tuple[Any, ...], Selection] = {}
        self.operation = operation
        root = schema.get_root_type(operation.operation)
        self._root = self._selection(root, [operation.selection_set], ()) if root else Selection(())

    def estimate(self, variables: VariableValues) -> int:
        """Return the most that the operation costs, where lists are no longer than is said and assumed."""
        return _Estimate(variables).of(self._root)

    def actual(self, data: Data) -> int:
        """Return what an answer has cost."""
        return _spent(self._root, data)

    def _selection(self, of: GraphQLNamedType, selected: Sequence[SelectionSetNode], sized: Iterable[str]) -> Selection:
        key = (of.name, tuple(map(id, selected)), tuple(sized))
        if key not in self._made:
            types = self._schema.get_possible_types(of) if is_abstract_type(of) else [of]
            self._made[key] = Selection(
                tuple(tuple(self._parts(one, selected, sized)) for one in types if isinstance(one, GraphQLObjectType))
            )
        return self._made[key]

    def _parts(
        self, of: GraphQLObjectType, selected: Sequence[SelectionSetNode], sized: Iterable[str]
    ) -> Iterator[Part]:
        collected: dict[str, list[FieldNode]] = {}
        spread = set[str]()
        for selection_set in selected:
            for node in self._fields(of, selection_set, spread):
                collected.setdefault((node.alias or node.name).value, []).append(node)
        parts = (self._part(of, key, nodes, sized) for key, nodes in collected.items())
        return (part for part in parts if part.weight or part.each)

    def _fields(self, of: GraphQLObjectType, selected: SelectionSetNode, spread: set[str]) -> Iterator[FieldNode]:
        for node in selected.selections:
            match node:
                case FieldNode():
                    yield node
                case InlineFragmentNode() if self._applies(node, of):
                    yield from self._fields(of, node.selection_set, spread)
                case FragmentSpreadNode() if node.name.value not in spread:
                    spread.add(node.name.value)
                    fragment = self._fragments[node.name.value]
                    if self._applies(fragment, of):
                        yield from self._fields(of, fragment.selection_set, spread)

    def _applies(self, fragment: InlineFragmentNode | FragmentDefinitionNode, of: GraphQLObjectType) -> bool:
        if fragment.type_condition is None or fragment.type_condition.name.value == of.name:
            return True
        wanted = self._schema.get_type(fragment.type_condition.name.value)
        return is_abstract_type(wanted) and self._schema.is_sub_type(wanted, of)

    def _part(self, of: GraphQLObjectType, key: str, nodes: list[FieldNode], sized: Iterable[str]) -> Part:
        node = nodes[0]
        name = node.name.value
        field = of.fields.get(name)
        if field is None:
            return Part(key, node, None, 0 if name == "__typename" else INTROSPECTION, 0, False, False, None, None)
        of_field = get_named_type(field.type)
        cost, size = directive(field, Cost), directive(field, ListSize)
        below = [node.selection_set for node in nodes if node.selection_set]
        return Part(
            key=key,
            node=node,
            field=field,
            weight=cost.weight if cost else 0,
            each=int(is_composite_type(of_field)),
            is_list=isinstance(get_nullable_type(field.type), GraphQLList),
            is_sized=name in sized,
            size=size,
            below=self._selection(of_field, below, (size and size.sized_fields) or ()) if below else None,
        )


class _Estimate:
    def __init__(self, variables: VariableValues) -> None:
        self._variables = variables
        self._known: dict[tuple[Selection, int], int] = {}

    def of(self, selection: Selection, size: int = 1) -> int:
        """Return the cost of one object; ``size`` is that of the lists in it that its field has sized."""
        key = selection, size
        if key not in self._known:
            costs = (sum(self._part(part, size) for part in parts) for parts in selection.alternatives)
            self._known[key] = max(costs, default=0)
        return self._known[key]

    def _part(self, part: Part, inherited: int) -> int:
        own = inherited if part.is_sized else self._size(part)
        below = self.of(part.below, own) if part.below else 0
        return part.weight + (own if part.is_list else 1) * (part.each + below)

    def _size(self, part: Part) -> int:
        if part.size is None or part.field is None:
            return 1
        try:
            values = get_argument_values(part.field, part.node, self._variables)
        except GraphQLError:  # a null variable where none may be: the field will not run
            return 0
        given = [_length(values[n]) for n in part.size.slicing_arguments or () if values.get(n) is not None]
        return max(given) if given else part.size.assumed_size or 0


def directive(field: GraphQLField, kind: type[Any]) -> Any:
    """Return a field's directive of a kind, or None."""
    definition = field.extensions.get(DEFINITION)
    return next((own for own in getattr(definition, "directives", ()) if isinstance(own, kind)), None)


def _length(value: int | Sequence[Any]) -> int:
    return max(0, value) if isinstance(value, int) else len(value)


def _spent(selection: Selection, data: Data) -> int:
    return max((sum(_part_spent(part, data) for part in parts) for parts in selection.alternatives), default=0)


def _part_spent(part: Part, data: Data) -> int:
    if part.key not in data:
        return 0
    value, below = data[part.key], part.below
    if below is None or value is None:
        return part.weight
    objects = value if part.is_list else [value]
    return part.weight + sum(1 + _spent(below, own) for own in objects if own is not None)
