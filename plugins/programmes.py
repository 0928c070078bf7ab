"""What the four shipped programmes share: a recommender made of one function over customers of one programme."""

from collections.abc import Iterable

from graph.records import Product
from recommenders.catalogue import Catalogue
from recommenders.contract import BundleRule, Proposal, Text
from recommenders.gates import say
from recommenders.view import CustomerView


def programme_proposals(
    customer: CustomerView, products: Iterable[Product], programme: str, score: float, reason: Text
) -> Iterable[Proposal]:
    """Propose products with a reason that rests on the customer's membership of a programme."""
    for product in products:
        path = (customer.customer_no, "MEMBER_OF", programme, "OFFERS", product.product_code)
        yield Proposal(product.product_code, score, reason, path)


def own_products(catalogue: Catalogue, programme: str) -> list[Product]:
    """Return the products that belong to a programme."""
    return [product for product in catalogue if product.programme_code == programme]


def for_purpose(catalogue: Catalogue, purpose: str) -> list[Product]:
    """Return the products that the bank's file says are for a purpose."""
    return [product for product in catalogue if product.purpose == purpose]


def benefit(product: Product, otherwise: Text) -> Text:
    """Return what members of a product's programme gain, as the bank's file says, or else the text given."""
    en = product.programme_benefit or product.programme_benefit_zh
    zh = product.programme_benefit_zh or product.programme_benefit
    return say(en, zh) if en and zh else otherwise


def card_bundles(
    catalogue: Catalogue, kind: str, purpose: str, code: str, title: Text, otherwise: Text
) -> Iterable[BundleRule]:
    """Make a bundle of each card of the programmes of a kind and each product of a purpose.

    Its benefit is the programme's, and ``otherwise`` where the bank names none.
    """
    cards = [card for card in catalogue.of_category("card") if card.programme_kind == kind and card.purpose != purpose]
    for card in cards:
        for other in for_purpose(catalogue, purpose):
            codes = (card.product_code, other.product_code)
            yield BundleRule(f"{code}-{'+'.join(codes)}", codes, title, benefit(card, otherwise))
