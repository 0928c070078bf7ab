"""A field of the GraphQL schema: how many months a customer could live on what lies on his accounts."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from guanxi import About, Field, hookimpl

ENOUGH_MONTHS = 3


class Cushion(Enum):
    """How well somebody is prepared for the unforeseen."""

    NONE = "none"
    """Less than a month."""
    THIN = "thin"
    """A month, but not three."""
    ENOUGH = "enough"
    """Three months or more."""


@dataclass(frozen=True)
class Savings:
    """What somebody has for the unforeseen."""

    months: float
    """How many months his savings would last."""
    cushion: Cushion
    """What that means."""


def savings(customer, *, monthly_needs: Annotated[float, "What a month costs him."] = 5_000.0):
    """Balances of what he holds, credit apart, by what he needs a month."""
    saved = sum(holding.balance for holding in customer.holdings if (holding.balance or 0) > 0)
    months = round(saved / monthly_needs, 1) if monthly_needs > 0 else 0.0
    cushion = Cushion.ENOUGH if months >= ENOUGH_MONTHS else Cushion.THIN if months >= 1 else Cushion.NONE
    return Savings(months, cushion)


@hookimpl
def about():
    """It needs to see what is held."""
    return About(permissions=["holdings"])


@hookimpl
def fields(register):
    """The field is `Customer.emergencyFund.savings(monthlyNeeds: …)`."""
    register(Field("Customer", "savings", Savings, savings, "How long his savings would last.", for_customers=True))
