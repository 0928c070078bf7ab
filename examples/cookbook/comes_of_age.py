"""A life event, and an offer around it: who comes of age gets a card of his own in the month of his birthday."""

from datetime import timedelta

from dateutil.relativedelta import relativedelta

from guanxi import About, LifeEvent, Proposal, hookimpl, recommender, say

AROUND = timedelta(days=30)


def eighteenth_birthday(customer):
    """The day on which he comes of age, or came; None where his birth date is not known."""
    return customer.birth_date and customer.birth_date + relativedelta(years=18)


@recommender("comes-of-age")
def propose(customer):
    """A month before the day and a month after it."""
    day = eighteenth_birthday(customer)
    if day and abs(customer.today - day) <= AROUND and not customer.ever_held("DEBIT-CARD"):
        yield Proposal("DEBIT-CARD", 0.9, say("Your own card, now that you are of age.", "成年了，拥有自己的银行卡。"))


@hookimpl
def about():
    """It needs to see birth dates and what is held, and nothing else."""
    return About(permissions=["birth_date", "holdings"])


@hookimpl
def events(register):
    """The event is told to who serves the customer and to webhooks, too."""
    register(LifeEvent("COMES_OF_AGE", say("Comes of age", "成年"), eighteenth_birthday))
