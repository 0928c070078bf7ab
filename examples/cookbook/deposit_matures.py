"""Holdings with their dates: what to do with a term deposit that has run for a year, before its holder asks."""

from guanxi import Proposal, recommender, say

TERM_DAYS = 365
NOTICE_DAYS = 30


@recommender("deposit-matures")
def propose(customer):
    """Within a month of the end of its year, the likelier the nearer."""
    for holding in customer.holdings:
        if holding.product_code != "TERM-DEPOSIT" or holding.opened_on is None:
            continue
        days_left = TERM_DAYS - (customer.today - holding.opened_on).days % TERM_DAYS
        if days_left <= NOTICE_DAYS:
            text = say("Your term deposit matures soon.", "您的定期存款即将到期。")
            path = (customer.customer_no, "HOLDS", "TERM-DEPOSIT", "MATURES_INTO", "FUND-MONEY")
            yield Proposal("FUND-MONEY", 1 - days_left / (2 * NOTICE_DAYS), text, path)
