"""What the bank's staff is told beside offers: who may leave, what he is worth, whom he is like; and demand."""

import math
from datetime import date
from typing import Annotated, TypeAlias

import strawberry

from graph.words import Language
from plugins.life_events import Happening
from recommenders import insight, value
from recommenders.demand import Demand

Told: TypeAlias = Annotated[Language, strawberry.argument(description="Of the text.")]


@strawberry.type(description="The chance that a customer is lost: closes all he holds, or is active no more.")
class Churn:
    """A customer's chance of being lost."""

    leaving: strawberry.Private[insight.Leaving]
    probability: float = strawberry.field(description="Probability, 0 to 1, of being lost within the horizon.")
    horizon_months: int = strawberry.field(description="How many months it looks ahead.")

    @classmethod
    def of(cls, leaving: insight.Leaving) -> "Churn":
        """Make the type of a chance."""
        return cls(leaving=leaving, probability=leaving.probability, horizon_months=leaving.horizon_months)

    @strawberry.field(
        description="What raises it most, the strongest first; empty where nothing does, "
        "and where customers are not told apart."
    )
    def reasons(self, language: Told = Language.EN) -> list[str]:
        """Sentences of the reasons."""
        return [text[language] for text in self.leaving.reasons]


@strawberry.type(
    description="What a customer is worth: yearlyMargin / 12 × Σ (monthlyRetention / (1 + discountRate)^(1/12))^t over "
    "the months t = 1 … months."
)
class CustomerValue:
    """A customer's worth, and what it is made of."""

    amount: float = strawberry.field(description="In today's money, in the currency of the products' margins.")
    yearly_margin: float = strawberry.field(
        description="Margin a year of all he holds; a product without one counts as the median of its category."
    )
    expected_years: float = strawberry.field(description="How long he is expected to stay within those months.")
    monthly_retention: float = strawberry.field(description="Probability, 0 to 1, of staying a month.")
    discount_rate: float = strawberry.field(description="A year's discount.")
    months: int = strawberry.field(description="How many months are looked at.")
    learnt: bool = strawberry.field(
        description="Whether retention is from the learnt chance of leaving; else from the lifecycle stage, by rule."
    )

    @classmethod
    def of(cls, worth: insight.Value) -> "CustomerValue":
        """Make the type of a worth."""
        return cls(
            amount=worth.amount,
            yearly_margin=worth.yearly_margin,
            expected_years=worth.expected_years,
            monthly_retention=worth.monthly_retention,
            discount_rate=value.DISCOUNT_RATE,
            months=value.MONTHS,
            learnt=worth.learnt,
        )


@strawberry.type(description="A group of customers who are alike, found from the bank's own data.")
class Segment:
    """A segment."""

    segment: strawberry.Private[insight.Segment]
    code: str = strawberry.field(description="S1, S2, …; the next training keeps it where it finds the segment again.")
    share: float = strawberry.field(description="Its share of the bank's customers, 0 to 1, when it was learnt.")

    @classmethod
    def of(cls, segment: insight.Segment) -> "Segment":
        """Make the type of a segment."""
        return cls(segment=segment, code=segment.code, share=segment.share)

    @strawberry.field(description="What tells it most, in a few words.")
    def name(self, language: Told = Language.EN) -> str:
        """The name in a language."""
        return self.segment.name[language]

    @strawberry.field(description="What tells it from the bank as a whole, the most telling first.")
    def profile(self, language: Told = Language.EN) -> list[str]:
        """Sentences of the profile."""
        return [text[language] for text in self.segment.profile]


@strawberry.type(description="Something that happens in a customer's life.")
class LifeEvent:
    """A life event."""

    happening: strawberry.Private[Happening]
    code: str = strawberry.field(description="What happens, such as SALARY_STARTED; stable.")
    on: date = strawberry.field(description="The day.")

    @classmethod
    def of(cls, happening: Happening) -> "LifeEvent":
        """Make the type of a happening."""
        return cls(happening=happening, code=happening.code, on=happening.on)

    @strawberry.field(description="It in words.")
    def text(self, language: Told = Language.EN) -> str:
        """The words in a language."""
        return self.happening.text[language]


@strawberry.type(description="How often a product is expected to be opened in a month.")
class DemandMonth:
    """A month foreseen."""

    month: date = strawberry.field(description="Its first day.")
    expected: float = strawberry.field(description="The mean number of openings.")
    low: int = strawberry.field(description="In one month of ten, it is fewer.")
    high: int = strawberry.field(description="In one month of ten, it is more.")


def demand_of(demand: Demand, column: int, today: date, months: int) -> list[DemandMonth]:
    """Return the months foreseen of a product that are not over yet."""
    if math.isnan(demand.expected[column, 0]):
        return []
    foreseen = [
        DemandMonth(
            month=demand.month(number),
            expected=round(float(demand.expected[column, number]), 2),
            low=int(demand.low[column, number]),
            high=int(demand.high[column, number]),
        )
        for number in range(demand.expected.shape[1])
    ]
    return [month for month in foreseen if month.month >= today.replace(day=1)][:months]
