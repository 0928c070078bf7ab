"""The lifecycle stage: who has gone quiet is offered what costs nothing and brings him back."""

from guanxi import Proposal, recommender, say

FREE = ("MOBILE-BANKING", "AUTOPAY")
QUIET = {"dormant", "declining"}


@recommender("win-back")
def propose(customer, catalogue):
    """All that is free and that he has not, where the bank sells it."""
    if customer.stage not in QUIET:
        return
    for code in FREE:
        if code in catalogue and not customer.holds(code):
            yield Proposal(code, 0.7, say("It costs nothing, and saves you a way.", "免费开通，省时省力。"))
