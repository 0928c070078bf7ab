"""How large a document may be, each fragment measured once however often it is spread."""

from collections import Counter
from dataclasses import dataclass, field
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

from api.errors import Code

DEPTH: Final = 15
ALIASES: Final = 30
REPEATS: Final = 50


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


class Limits(ASTValidationRule):
    """Refuses an operation that is too deep, has too many aliases or repeats; introspection has no depth."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._sizes: dict[str, Size] = {}

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """Measure an operation."""
        size = self._size(node.selection_set)
        for what, found, most in (
            ("a depth of {}", size.depth, DEPTH),
            ("{} aliases", size.aliases, ALIASES),
            ("one field {} times in a selection", size.repeats, REPEATS),
        ):
            if found > most:
                message = f"The document has {what.format(found)}; {most} is the most."
                self.report_error(GraphQLError(message, node, extensions={"code": Code.LIMIT_EXCEEDED.value}))

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
