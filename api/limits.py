"""How large a document may be: its depth and its aliases, each fragment measured once however often it is spread."""

from typing import Any, Final

from graphql import (
    ASTValidationRule,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
)

DEPTH: Final = 15
ALIASES: Final = 30


class Limits(ASTValidationRule):
    """Refuses an operation that is too deep, or has too many aliases; introspection has no depth."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._sizes: dict[str, tuple[int, int]] = {}

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """Measure an operation."""
        depth, aliases = self._size(node.selection_set)
        if depth > DEPTH:
            self.report_error(GraphQLError(f"The document has a depth of {depth}; {DEPTH} is the most.", node))
        if aliases > ALIASES:
            self.report_error(GraphQLError(f"The document has {aliases} aliases; {ALIASES} is the most.", node))

    def _size(self, selected: SelectionSetNode | None) -> tuple[int, int]:
        depth = aliases = 0
        for node in selected.selections if selected else ():
            below, more = 0, 0
            match node:
                case FieldNode():
                    below, more = self._size(node.selection_set)
                    below = 0 if node.name.value.startswith("__") else below + bool(node.selection_set)
                    more += node.alias is not None
                case InlineFragmentNode():
                    below, more = self._size(node.selection_set)
                case FragmentSpreadNode():
                    below, more = self._fragment_size(node.name.value)
            depth, aliases = max(depth, below), aliases + more
        return depth, aliases

    def _fragment_size(self, name: str) -> tuple[int, int]:
        if name not in self._sizes:
            self._sizes[name] = (0, 0)  # of one that spreads itself, or is not there: other rules refuse it
            fragment = self.context.get_fragment(name)
            self._sizes[name] = self._size(fragment.selection_set if fragment else None)
        return self._sizes[name]
