"""What a model says of a customer beside products, as plain values: may he leave, what is he worth, whom is he like.

They are light to import: plugins' processes are sent them. ``recommenders.telling`` finds them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from recommenders.contract import Text

if TYPE_CHECKING:
    from recommenders.batch import Batch


@dataclass(frozen=True, slots=True)
class Leaving:
    """A customer's chance of being lost within months, and what raises it most."""

    probability: float
    horizon_months: int
    reasons: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """A customer's worth, with all that it is made of.

    Attributes:
        amount: in the currency of the products' margins.
        yearly_margin: of all he holds.
        expected_years: how long he is expected to stay, of the months looked at.
        monthly_retention: chance of staying a month.
        learnt: whether that is from the churn model; else from his stage.
    """

    amount: float
    yearly_margin: float
    expected_years: float
    monthly_retention: float
    learnt: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """One group. Attributes: share: of all customers. profile: what tells it from the bank, the most telling first."""

    code: str
    name: Text
    share: float
    profile: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class CustomerScores:
    """What is expected of a customer, whatever he is offered; None for what is not known. Stability: plugin API."""

    churn: Leaving | None = None
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Insight:
    """Of one customer; None for what is not known."""

    customer_no: str
    segment: Segment | None = None
    scores: CustomerScores = CustomerScores()


Tell: TypeAlias = Callable[["Batch"], Sequence[Insight]]
"""Says of each customer of a batch what is known of him."""


def nothing(batch: "Batch") -> list[Insight]:
    """Say of nobody anything."""
    return [Insight(customer.customer_no) for customer in batch.customers]


@dataclass(frozen=True, slots=True)
class Known:
    """Gives an insight that is there already."""

    insight: Insight

    def __call__(self) -> Insight:
        """Return it."""
        return self.insight
