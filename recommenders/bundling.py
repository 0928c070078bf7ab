"""Puts offers that belong together into bundles, under declared rules."""

from collections.abc import Mapping, Sequence

from recommenders.contract import Bundle, BundleRule, Offer


def bundles(rules: Sequence[BundleRule], offers: Mapping[str, Offer]) -> tuple[Bundle, ...]:
    """Return the bundle of each rule all of whose products are offered, the highest total priority first."""
    made = [Bundle(rule, tuple(offers[code] for code in rule.products)) for rule in rules]
    return tuple(sorted(made, key=lambda bundle: (-sum(offer.priority for offer in bundle.offers), bundle.rule.code)))
