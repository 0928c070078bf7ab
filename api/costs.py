"""What fields cost and how long lists may be: the directives of the GraphQL cost specification, and how we use them.

Source: https://ibm.github.io/graphql-specs/cost-spec.html, in the form of Apollo's https://specs.apollo.dev/cost/v0.1.
"""

from typing import Final

import strawberry
from strawberry.schema_directive import Location


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="cost",
    description="What the field costs beside the objects that it returns, each of which costs 1.",
)
class Cost:
    """A field's own cost, which counts once for each parent."""

    weight: int = strawberry.field(description="In objects.")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description="How long a list is taken to be before it is known.",
)
class ListSize:
    """A list's size: the largest slicing argument, or else what is assumed."""

    assumed_size: int | None = strawberry.field(default=strawberry.UNSET, description="Where no argument says it.")
    slicing_arguments: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="The arguments that say it; one that is a list says it by its length."
    )
    sized_fields: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="The lists below that have the size; without them, the field."
    )
    require_one_slicing_argument: bool | None = strawberry.field(
        default=True, description="Whether one has to be given."
    )


PAGE_SIZE: Final = 20
WRITE: Final = Cost(weight=10)
COUNT: Final = Cost(weight=5)
"""Of a whole connection, in the store."""
INSIGHT: Final = Cost(weight=10)
"""Of one customer, by the model."""
DECISION: Final = Cost(weight=20)
"""Of one customer, by the whole engine."""
SEARCH: Final = Cost(weight=50)
"""Among many customers."""


def assumed(size: int) -> ListSize:
    """Return the size of a list that no argument limits."""
    return ListSize(assumed_size=size, require_one_slicing_argument=False)


def sliced(by: str) -> ListSize:
    """Return the size of a list that an argument with a default limits."""
    return ListSize(slicing_arguments=[by], require_one_slicing_argument=False)


PAGED: Final = ListSize(
    assumed_size=PAGE_SIZE,
    slicing_arguments=["first", "last"],
    sized_fields=["edges", "nodes"],
    require_one_slicing_argument=False,
)
"""The size of a connection."""
