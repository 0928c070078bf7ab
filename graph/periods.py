"""How long a bank keeps what: the periods that ``graph.retention`` enforces."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Periods:
    """How many months each is kept; ``GUANXI_KEEP_<NAME>`` sets each, and what has none is kept.

    Raises:
        ValueError: one is not above 0.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - pydantic's: a name that is misspelt is no period

    interactions: int | None = None
    """From the day they happened."""
    outcomes: int | None = None
    """From the day of the outcome."""
    activity: int | None = None
    """From the end of the month."""
    holdings: int | None = None
    """From the day they were closed."""
    accounts: int | None = None
    """From the day they were closed; their activity goes with them."""
    cards: int | None = None
    """From the day they expired."""
    memberships: int | None = None
    """From the last day."""
    shadowed: int | None = None
    """From the day on which a plugin in shadow would have offered something to a customer."""
    customers: int | None = None
    """From the last sign of who has nothing open; he is erased, with a proof."""

    def __post_init__(self) -> None:
        for period in fields(self):
            months = getattr(self, period.name)
            if months is not None and months <= 0:
                raise ValueError(f"keep_{period.name} is above 0, not {months}")
