"""The smallest: one function over one customer."""

from guanxi import Proposal, recommender


@recommender("frozen-function", version="3")
def propose(customer, catalogue):
    if customer.age is not None and customer.age >= 30 and not customer.holds("B"):
        yield Proposal("B", score=0.75, reason="thirty and more")
