"""How large a document may be, each fragment measured once however often it is spread."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, ClassVar

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    ListValueNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
)

from api.errors import Code, exceeded
from api.limits import Limits


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a selection.

    Attributes:
        repeats: how often the most repeated field of one selection set is in it; validation compares each pair.
        names: how often each field is in this selection set itself.
    """

    depth: int = 0
    aliases: int = 0
    repeats: int = 0
    names: Counter[str] = field(default_factory=Counter)


class DocumentSize(ASTValidationRule):
    """Refuses an operation that is larger than the limits; introspection has no depth."""

    limits: ClassVar[Limits]

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._sizes: dict[str, Size] = {}
        self._directives = 0

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """Measure an operation."""
        size = self._size(node.selection_set)
        self._check(node, Code.LIMIT_DEPTH, "a depth of {}", size.depth, self.limits.depth)
        self._check(node, Code.LIMIT_ROOT_FIELDS, "{} root fields", len(size.names), self.limits.root_fields)
        self._check(node, Code.LIMIT_ALIASES, "{} aliases", size.aliases, self.limits.aliases)
        self._check(node, Code.LIMIT_REPEATS, "one field {} times in a selection", size.repeats, self.limits.repeats)

    def enter_list_value(self, node: ListValueNode, *_: Any) -> None:
        """Measure a list."""
        self._check(node, Code.LIMIT_LIST_LENGTH, "a list of {} items", len(node.values), self.limits.list_length)

    def enter_directive(self, *_: Any) -> None:
        """Count a directive."""
        self._directives += 1

    def leave_document(self, node: DocumentNode, *_: Any) -> None:
        """Measure what was counted."""
        self._check(node, Code.LIMIT_DIRECTIVES, "{} directives", self._directives, self.limits.directives)

    def _check(self, node: Node, code: Code, what: str, found: int, most: int) -> None:
        if found > most:
            message = f"The document has {what.format(found)}; {most} is the most."
            self.report_error(GraphQLError(message, node, extensions=exceeded(code, found, most)))

    def _size(self, selected: SelectionSetNode | None) -> Size:
        depth = aliases = repeats = 0
        names: Counter[str] = Counter()
        for node in selected.selections if selected else ():
            match node:
                case FieldNode():
                    below = self._size(node.selection_set)
                    names[(node.alias or node.name).value] += 1
                    aliases += node.alias is not None
                    introspective = node.name.value.startswith("__")
                    depth = max(depth, 0 if introspective else below.depth + bool(node.selection_set))
                case InlineFragmentNode():
                    below = self._size(node.selection_set)
                    names += below.names
                    depth = max(depth, below.depth)
                case FragmentSpreadNode():
                    below = self._fragment_size(node.name.value)
                    names += below.names
                    depth = max(depth, below.depth)
            aliases, repeats = aliases + below.aliases, max(repeats, below.repeats)
        return Size(depth, aliases, max([repeats, *names.values()]), names)

    def _fragment_size(self, name: str) -> Size:
        if name not in self._sizes:
            self._sizes[name] = Size()  # of one that spreads itself, or is not there: other rules refuse it
            fragment = self.context.get_fragment(name)
            self._sizes[name] = self._size(fragment.selection_set if fragment else None)
        return self._sizes[name]


def size_rule(limits: Limits) -> type[DocumentSize]:
    """Return the rule of some limits."""
    return type("DocumentSize", (DocumentSize,), {"limits": limits})
