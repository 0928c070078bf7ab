"""The scores: who has gone quiet, or is likely to leave, is offered what costs nothing and brings him back."""

from guanxi import About, Proposal, hookimpl, recommender, say

FREE = ("MOBILE-BANKING", "AUTOPAY")
QUIET = {"dormant", "declining"}
LIKELY = 0.3


@hookimpl
def about():
    """What it needs for the stage, and the scores, which nobody sees who does not name them."""
    return About(permissions=("activity", "holdings", "joined_on", "scores"))


@recommender("win-back")
def propose(customer, catalogue):
    """All that is free and that he has not, where the bank sells it; he is not told that he may leave."""
    churn = customer.scores.churn  # None without a model
    if customer.stage not in QUIET and (churn is None or churn.probability < LIKELY):
        return
    for code in FREE:
        if code in catalogue and not customer.holds(code):
            yield Proposal(code, 0.7, say("It costs nothing, and saves you a way.", "免费开通，省时省力。"))
