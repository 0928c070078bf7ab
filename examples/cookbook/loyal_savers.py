"""Settings: marketing says from when on somebody is loyal, and what he is offered, without a line of code."""

from pydantic import BaseModel, Field

from guanxi import About, Proposal, hookimpl, recommender, say


class Settings(BaseModel, frozen=True):
    """Set in the file, the environment, or by `guanxi plugins set loyal-savers months=24`."""

    months: int = Field(36, ge=1, description="How many months with the bank make somebody loyal.")
    product: str = Field("TERM-DEPOSIT", description="What the loyal are offered.")


@hookimpl
def about():
    """It has settings."""
    return About(settings=Settings)


@recommender("loyal-savers")
def propose(customer, catalogue, settings):
    """Whoever has been here so long and holds something."""
    months = customer.months_since_joining or 0
    if settings.product in catalogue and months >= settings.months and customer.holdings:
        yield Proposal(settings.product, 0.6, say("For your loyalty.", "感谢您的信任。"))
