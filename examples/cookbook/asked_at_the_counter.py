"""Interactions: what a customer asked about, on whatever channel, is the best hint of what he wants."""

from datetime import timedelta

from guanxi import Proposal, recommender, say

REMEMBERED = timedelta(days=60)


@recommender("asked-at-the-counter")
def propose(customer, catalogue):
    """Each product of an enquiry of the last two months; the last enquiry about it counts."""
    for interaction in customer.interactions:
        age = customer.today - interaction.at.date()
        code = interaction.product_code
        if interaction.kind == "enquiry" and age <= REMEMBERED and code in catalogue:
            path = (customer.customer_no, "DID", "enquiry", "ABOUT", code)
            yield Proposal(code, 1 - age / (2 * REMEMBERED), say("You asked us about it.", "您曾向我们咨询过。"), path)
