"""Which products may not stand beside which, by programmes' contracts with partners."""

from collections.abc import Sequence
from dataclasses import replace

from graph.records import Product


def rivalling(found: Sequence[Product]) -> list[Product]:
    """Return products that know their rivals."""
    return [replace(own, rivals=rivals) if (rivals := _rivals(own, found)) else own for own in found]


def _rivals(own: Product, found: Sequence[Product]) -> tuple[str, ...]:
    others = (other for other in found if other.partner_code != own.partner_code)
    return tuple(other.product_code for other in others if excludes(own, other) or excludes(other, own))


def excludes(own: Product, other: Product) -> bool:
    """Whether a product's contract lets another not stand beside it."""
    return own.contract is not None and other.partner_code in own.contract.terms.exclusive_of
