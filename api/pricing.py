"""Prices each operation before it runs, refuses what is too dear, and tells what it cost."""

from collections.abc import Iterator
from typing import Any, Final

from graphql import DocumentNode, GraphQLError, GraphQLSchema, OperationType, get_operation_ast
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.extensions import SchemaExtension

from api.cost_plans import Plan
from api.errors import Code, exceeded
from api.identity import Same

PLANS: Final = 500


class Priced(SchemaExtension):
    """Puts ``cost`` in the extensions of an answer: what was requested, the most that may be, and what it was."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._plan: Plan | None = None
        self._requested = 0

    def on_validate(self) -> Iterator[None]:
        """Estimate the cost of a document that is valid."""
        context = self.execution_context
        if context.graphql_document is not None and not context.pre_execution_errors:
            schema: Any = context.schema
            self._plan = plan = schema.plan_of(Same(context.graphql_document), context.operation_name)
            variables = _coerced(schema._schema, plan, context.variables or {})
            self._requested = plan.estimate(variables) if variables else 0
            if self._requested > self._most:
                context.pre_execution_errors = [too_dear(plan, self._requested, self._most)]
        yield

    def get_results(self) -> dict[str, Any]:
        """Tell the cost; what a subscription's event did cost is not known yet."""
        if self._plan is None:
            return {}
        told = {"requested": self._requested, "most": self._most}
        data = getattr(self.execution_context.result, "data", None)
        if data is not None and self._plan.operation.operation is not OperationType.SUBSCRIPTION:
            told["actual"] = self._plan.actual(data)
        return {"cost": told}


def plan_of(schema: GraphQLSchema, document: Same[DocumentNode], name: str | None) -> Plan:
    """Return the plan of a valid document's operation."""
    operation = get_operation_ast(document.thing, name)
    if operation is None:
        raise GraphQLError(f"The document has no operation {name!r}.")
    return Plan(schema, document.thing, operation)


def too_dear(plan: Plan, found: int, most: int) -> GraphQLError:
    """Return the error of an operation that costs too much."""
    message = f"The operation costs {found:,}; {most:,} is the most. Ask for shorter lists, or for fewer in lists."
    return GraphQLError(message, plan.operation, extensions=exceeded(Code.LIMIT_COST, found, most))


def _coerced(schema: GraphQLSchema, plan: Plan, given: dict[str, Any]) -> VariableValues | None:
    """The variables as they will be, or None where they are wrong: then nothing will run."""
    values = get_variable_values(schema, plan.operation.variable_definitions or (), given, max_errors=1)
    return values if isinstance(values, VariableValues) else None
