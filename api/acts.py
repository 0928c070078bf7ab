"""What one operation does that the audit log has to tell: whom it reads of, what it writes, and what it was denied."""

from collections.abc import Collection, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from strawberry.types import ExecutionContext

from api.access import is_himself
from api.errors import Code
from api.request_ids import request_id
from api.roles import Role, Viewer
from graph.audit_entries import Act, AuditAction, AuditKey, AuditOutcome

current: ContextVar["Acts | None"] = ContextVar("acts", default=None)
"""Those of the operation that is executed here."""
INTERRUPTED: Final = "INTERRUPTED"
"""The code of a write that was begun, and of which nobody waited for the end."""


@dataclass(slots=True)
class Written:
    """A field of the root of mutations, and the codes of its errors, once it has come to its end."""

    field: str
    codes: tuple[str, ...] = (INTERRUPTED,)


@dataclass(slots=True)
class Acts:
    """What an operation has done so far.

    Attributes:
        given: the customers of whom the viewer was given something, or about whom he wrote.
        sought: those whom he asked for, and who are not there for him.
        refused: whether he asked for something else that is not there for him.
        written: the mutations that were called.
        log_read: whether he read the audit log itself.
        plugins: those that he set, or put on a stage.
    """

    given: set[str] = field(default_factory=set)
    sought: set[str] = field(default_factory=set)
    refused: bool = False
    written: list[Written] = field(default_factory=list)
    log_read: bool = False
    plugins: list[str] = field(default_factory=list)
    operation: ExecutionContext | None = None

    def told(self, viewer: Viewer, codes: Collection[str], key: AuditKey) -> list[Act]:
        """Return what the audit log has to tell, given the codes of the answer's errors."""
        if self.written:
            return [self._write(viewer, codes, key)]
        acts = list[Act]()
        if self.log_read or not all(is_himself(viewer, customer_no) for customer_no in self.given):
            acts.append(self._act(viewer, AuditAction.READ, self.given, key))
        refused = [Code.FORBIDDEN.value] if Code.FORBIDDEN in codes else []
        refused += [Code.NOT_FOUND.value] if self.sought or self.refused else []
        if refused:
            denied = self._act(viewer, AuditAction.READ, self.sought, key)
            acts.append(replace(denied, outcome=AuditOutcome.DENIED, codes=refused))
        return acts

    def forget(self) -> None:
        """Begin anew, as a stream does with each of its results."""
        self.given.clear()
        self.sought.clear()
        self.written.clear()
        self.plugins.clear()
        self.refused = self.log_read = False

    def _write(self, viewer: Viewer, codes: Collection[str], key: AuditKey) -> Act:
        told = {code for written in self.written for code in written.codes} | set(codes)
        plugins = {"plugin": ", ".join(dict.fromkeys(self.plugins))} if self.plugins else {}
        denied = self.sought or Code.FORBIDDEN in told
        return replace(
            self._act(viewer, AuditAction.WRITE, self.given | self.sought, key),
            outcome=AuditOutcome.DENIED if denied else AuditOutcome.FAILED if told else AuditOutcome.ALLOWED,
            codes=sorted(told),
            details={"fields": [[written.field, *written.codes] for written in self.written]} | plugins,
        )

    def _act(self, viewer: Viewer, action: AuditAction, customers: set[str], key: AuditKey) -> Act:
        named = " ".join(root_fields(self.operation)) if self.operation else ""
        return Act(
            actor_of(viewer, key),
            action,
            named,
            role=viewer.role.value,
            customers=sorted(customers),
            request_id=request_id(),
        )


def actor_of(viewer: Viewer, key: AuditKey) -> str:
    """Return what the audit log calls a viewer: staff by the token's subject, a customer by his pseudonym alone."""
    return f"customer {key.pseudonym(viewer.key)}" if viewer.role is Role.CUSTOMER else viewer.subject


def note_given(customer_no: str) -> None:
    """Tell the operation that is executed here, if there is one, that its viewer is given something of a customer."""
    acts = current.get()
    if acts is not None:
        acts.given.add(customer_no)


def note_sought(customer_no: str) -> None:
    """Tell it that its viewer asked for a customer who is not there for him."""
    acts = current.get()
    if acts is not None:
        acts.sought.add(customer_no)


def note_refused() -> None:
    """Tell it that its viewer asked for something else that is not there for him."""
    acts = current.get()
    if acts is not None:
        acts.refused = True


def note_plugin(name: str) -> None:
    """Tell it that its viewer sets a plugin, by the name that it has, or puts it on a stage."""
    acts = current.get()
    if acts is not None:
        acts.plugins.append(name)


def note_log_read(customer_no: str | None) -> None:
    """Tell it that its viewer reads the audit log, of one customer or of all."""
    acts = current.get()
    if acts is not None:
        acts.log_read = True
        if customer_no is not None:
            acts.given.add(customer_no)


def note_operation(context: ExecutionContext) -> None:
    """Tell it of its document, which was parsed and validated."""
    acts = current.get()
    if acts is not None:
        acts.operation = context


def root_fields(context: ExecutionContext) -> list[str]:
    """Return the fields of an operation's root, as the schema names them, each once."""
    document = context.graphql_document
    definitions = document.definitions if document else ()
    fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
    operations = [d for d in definitions if isinstance(d, OperationDefinitionNode)]
    wanted = [d for d in operations if d.name and d.name.value == context.operation_name] or operations
    return list(dict.fromkeys(_names(wanted[0].selection_set, fragments))) if wanted else []


def _names(selected: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode]) -> Iterator[str]:
    for selection in selected.selections:
        if isinstance(selection, FieldNode):
            yield selection.name.value
        elif isinstance(selection, FragmentSpreadNode):
            yield from _names(fragments[selection.name.value].selection_set, fragments)
        elif isinstance(selection, InlineFragmentNode):
            yield from _names(selection.selection_set, fragments)
