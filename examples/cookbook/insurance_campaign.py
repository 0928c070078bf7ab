"""A lever: for the time of a campaign, insurance weighs half as much again."""

from guanxi import Lever, hookimpl


@hookimpl
def levers(register, catalogue):
    """Weigh what is insurance in this bank's catalogue."""
    register(Lever("insurance-campaign", {product.product_code: 1.5 for product in catalogue.of_category("insurance")}))
