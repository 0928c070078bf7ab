"""The sample bank's own bundles, which promise what no other bank may have promised: they are for its products alone.

A product is the sample bank's where code and name are. A bank's own bundles are a plugin's, by the hook ``bundles``.
"""

from collections.abc import Callable
from typing import Final

from loaders.sample_catalogue import PRODUCTS
from plugins.hookspecs import hookimpl
from recommenders.catalogue import Catalogue
from recommenders.contract import BundleRule
from recommenders.gates import say

NAMES: Final = {code: name for code, name, *_ in PRODUCTS}
BUNDLES: Final = (
    BundleRule(
        "SALARY-START",
        ("SALARY-ACCOUNT", "AUTOPAY"),
        say("Salary and bills in one place", "工资缴费一体"),
        say("No account fee in the first year", "首年免账户管理费"),
    ),
    BundleRule(
        "CARD-AND-AUTOPAY",
        ("CREDIT-CARD", "AUTOPAY"),
        say("Credit card with autopay", "信用卡加自动缴费"),
        say("5% back on bills paid by autopay", "自动缴费返现5%"),
    ),
    BundleRule(
        "SECURE-FUTURE",
        ("LIFE-INSURANCE", "PENSION"),
        say("Protected today and later", "保障现在与未来"),
        say("First month of life insurance free", "寿险首月免费"),
    ),
    BundleRule(
        "HOME-START",
        ("MORTGAGE", "AUTOPAY"),
        say("Home mortgage with autopay", "住房按揭加自动缴费"),
        say("0.1 points off the mortgage rate", "按揭利率优惠0.1个百分点"),
    ),
)


@hookimpl
def bundles(register: Callable[[BundleRule], None], catalogue: Catalogue) -> None:
    """The bundles whose products are the sample bank's."""
    own = {product.product_code for product in catalogue if NAMES.get(product.product_code) == product.name}
    for rule in BUNDLES:
        if own.issuperset(rule.products):
            register(rule)
