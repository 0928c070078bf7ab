"""Which customers are asked for: GraphQL's words for ``graph.filters``."""

from collections.abc import Iterator
from datetime import date
from typing import Final, Optional

import strawberry

from api.errors import ApiError, Code
from api.types.conditions import WHAT_IS_SAID, BooleanCondition, Condition, DateCondition, Nesting, TextCondition
from graph.filters import EVERYBODY, Column, Compared, Every, Filter, Holds, Known, MemberOf, Not, Some
from graph.searching import mentioning
from graph.words import CreditTier, CustomerKind, Language, RiskProfile, ValueTier

FIELDS: Final = {column: column.value for column in Column if column is not Column.NAME_KEY} | {
    Column.VALUE_TIER: "stated_value_tier"
}
LONGEST_SEARCH: Final = 100


@strawberry.input(description=f"Which customers. {WHAT_IS_SAID}")
class CustomerFilter(Nesting):
    """The filter of ``customers``."""

    customer_no: TextCondition | None = strawberry.field(default=None, description="By number.")
    name: TextCondition | None = strawberry.field(default=None, description="By name.")
    kind: Condition[CustomerKind] | None = strawberry.field(default=None, description="By what they are in law.")
    region: TextCondition | None = strawberry.field(default=None, description="By region.")
    birth_date: DateCondition | None = strawberry.field(default=None, description="By birth date.")
    joined_on: DateCondition | None = strawberry.field(default=None, description="By first day as a customer.")
    manager_no: TextCondition | None = strawberry.field(default=None, description="By relationship manager.")
    stated_value_tier: Condition[ValueTier] | None = strawberry.field(
        default=None, description="By value tier, where the bank's files state it; unknown where it follows by rule."
    )
    credit_tier: Condition[CreditTier] | None = strawberry.field(default=None, description="By credit standing.")
    risk_profile: Condition[RiskProfile] | None = strawberry.field(
        default=None, description="By the investment risk they may bear."
    )
    language: Condition[Language] | None = strawberry.field(default=None, description="By language.")
    marketing_consent: BooleanCondition | None = strawberry.field(
        default=None, description="By whether offers may be made."
    )
    holds: list[str] | None = strawberry.field(
        default=None, description="Who hold one of these products today, by code."
    )
    lacks: list[str] | None = strawberry.field(
        default=None, description="Who hold none of these products today, by code."
    )
    member_of: list[str] | None = strawberry.field(
        default=None, description="Who are or were in one of these programmes, by code."
    )
    and_: list["CustomerFilter"] | None = strawberry.field(
        default=None, name="and", description="Who meet all of these; everybody where the list is empty."
    )
    or_: list["CustomerFilter"] | None = strawberry.field(
        default=None, name="or", description="Who meet one of these or more; nobody where the list is empty."
    )
    not_: Optional["CustomerFilter"] = strawberry.field(
        default=None, name="not", description="Who do not meet this; so those of whom it is unknown."
    )

    def tree(self, today: date) -> Filter:
        """Return the filter as the graph has it.

        Raises:
            ApiError: BAD_INPUT for one that is too deep or too large.
        """
        self.refuse_too_large()
        return self._tree(today)

    def _tree(self, today: date) -> Filter:
        conditions = [*self._compared()]
        if self.holds is not None:
            conditions.append(Holds(tuple(self.holds), today))
        if self.lacks is not None:
            conditions.append(Not(Holds(tuple(self.lacks), today)))
        if self.member_of is not None:
            conditions.append(MemberOf(tuple(self.member_of)))
        conditions += [each._tree(today) for each in self.and_ or ()]
        if self.or_ is not None:
            conditions.append(Some(tuple(each._tree(today) for each in self.or_)))
        if self.not_ is not None:
            conditions.append(Not(self.not_._tree(today)))
        return Every(tuple(conditions))

    def _compared(self) -> Iterator[Filter]:
        for column, name in FIELDS.items():
            own: TextCondition | None = getattr(self, name)
            if own is None:
                continue
            for operator, value in own.comparisons():
                yield Compared(column, operator, value)
            if own.is_null is not None:
                yield Not(Known(column)) if own.is_null else Known(column)


def searched(text: str | None) -> Filter:
    """Return the filter of a search.

    Raises:
        ApiError: BAD_INPUT for a text that is too long.
    """
    if text is not None and len(text) > LONGEST_SEARCH:
        raise ApiError(Code.BAD_INPUT, f"Search for {LONGEST_SEARCH} characters at most.")
    return mentioning(text) if text else EVERYBODY
