"""Relations: an education plan for parents; of the child itself nothing is told."""

from guanxi import Proposal, recommender, say


@recommender("education-plan")
def propose(customer):
    """Parents who pay school fees from here, first of all."""
    if not customer.related("child") or customer.ever_held("EDUCATION-PLAN"):
        return
    text = say("For your child's education.", "为孩子的教育做准备。")
    score = 0.8 if customer.salary_months >= 12 else 0.4
    yield Proposal(
        "EDUCATION-PLAN", score, text, (customer.customer_no, "RELATED", "child", "OFFERS", "EDUCATION-PLAN")
    )
