"""What the four shipped programmes share: a recommender made of one function over customers of one programme."""

from collections.abc import Iterable

from graph.records import Product
from graph.words import Language
from recommenders.catalogue import Catalogue
from recommenders.contract import Proposal
from recommenders.view import CustomerView


def programme_proposals(
    customer: CustomerView, products: Iterable[Product], programme: str, score: float, en: str, zh: str
) -> Iterable[Proposal]:
    """Propose products with a reason that rests on the customer's membership of a programme."""
    for product in products:
        path = (customer.customer_no, "MEMBER_OF", programme, "OFFERS", product.product_code)
        yield Proposal(product.product_code, score, {Language.EN: en, Language.ZH: zh}, path)


def own_products(catalogue: Catalogue, programme: str) -> list[Product]:
    """Return the products that belong to a programme."""
    return [product for product in catalogue if product.programme_code == programme]


def named(catalogue: Catalogue, *codes: str) -> list[Product]:
    """Return those of the products that the bank has."""
    return [catalogue[code] for code in codes if code in catalogue]
