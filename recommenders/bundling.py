"""Puts offers that belong together into bundles, under declared rules."""

from collections.abc import Mapping, Sequence
from typing import Final

from graph.words import Language
from recommenders.contract import Bundle, BundleRule, Offer


def bundles(rules: Sequence[BundleRule], offers: Mapping[str, Offer]) -> tuple[Bundle, ...]:
    """Return the bundle of each rule all of whose products are offered, the highest total priority first."""
    made = [Bundle(rule, tuple(offers[code] for code in rule.products)) for rule in rules]
    return tuple(sorted(made, key=lambda bundle: (-sum(offer.priority for offer in bundle.offers), bundle.rule.code)))


def _text(en: str, zh: str) -> dict[Language, str]:
    return {Language.EN: en, Language.ZH: zh}


DEFAULT_BUNDLES: Final = (
    BundleRule(
        "SALARY-START",
        ("SALARY-ACCOUNT", "AUTOPAY"),
        _text("Salary and bills in one place", "工资缴费一体"),
        _text("No account fee in the first year", "首年免账户管理费"),
    ),
    BundleRule(
        "CARD-AND-AUTOPAY",
        ("CREDIT-CARD", "AUTOPAY"),
        _text("Credit card with autopay", "信用卡加自动缴费"),
        _text("5% back on bills paid by autopay", "自动缴费返现5%"),
    ),
    BundleRule(
        "SECURE-FUTURE",
        ("LIFE-INSURANCE", "PENSION"),
        _text("Protected today and later", "保障现在与未来"),
        _text("First month of life insurance free", "寿险首月免费"),
    ),
    BundleRule(
        "HOME-START",
        ("MORTGAGE", "AUTOPAY"),
        _text("Home mortgage with autopay", "住房按揭加自动缴费"),
        _text("0.1 points off the mortgage rate", "按揭利率优惠0.1个百分点"),
    ),
)
"""Rules over the product codes of the sample bank; a rule whose codes a bank does not have never applies."""
