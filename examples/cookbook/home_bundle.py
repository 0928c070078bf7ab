"""A bundle: with each mortgage its insurance, whatever the bank calls them."""

from guanxi import BundleRule, hookimpl, say

TITLE = say("Your home, insured", "安居保障")
BENEFIT = say("The first year of the insurance is free.", "首年保费全免。")


@hookimpl
def bundles(register, catalogue):
    """A mortgage, and what needs one by the bank's own file."""
    for mortgage in catalogue.of_category("mortgage"):
        for insurance in catalogue.of_category("insurance"):
            if mortgage.product_code in insurance.requires:
                codes = (mortgage.product_code, insurance.product_code)
                register(BundleRule(f"HOME-{'+'.join(codes)}", codes, TITLE, BENEFIT))
