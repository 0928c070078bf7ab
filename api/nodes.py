"""Finds a thing by its global id or the bank's key for it, if it is there for the viewer."""

from typing import Final

import strawberry

from api import access, decisions
from api.errors import ApiError
from api.global_ids import parsed
from api.session import Session
from api.types.customers import Customer
from api.types.offers import Offer
from api.types.products import Product, Programme
from api.types.relay import Node
from api.webhooks.types import delivery, webhook
from recommenders.contract import Context

EVERY_OFFER: Final = 1_000


@strawberry.input(one_of=True, description="A key by which something is known: exactly one.")
class Key:
    """A key; the others are unset."""

    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Its global id.")
    customer_no: str | None = strawberry.field(default=strawberry.UNSET, description="A customer's number.")
    product_code: str | None = strawberry.field(default=strawberry.UNSET, description="A product's code.")
    programme_code: str | None = strawberry.field(default=strawberry.UNSET, description="A programme's code.")

    async def found(self, session: Session) -> Node | None:
        """Return what it is the key of."""
        if self.id:
            return await by_id(session, self.id)
        if self.customer_no:
            return await customer(session, self.customer_no)
        if self.product_code:
            return await product(session, self.product_code)
        return await programme(session, self.programme_code or "")


async def by_id(session: Session, node_id: str) -> Node | None:
    """Return a node by its global id."""
    type_name, key = parsed(node_id) or ("", "")
    match type_name:
        case "Customer":
            return await customer(session, key)
        case "Product":
            return await product(session, key)
        case "Programme":
            return await programme(session, key)
        case "Offer":
            return await offer(session, key)
        case "Webhook":
            return await webhook(session, key)
        case "WebhookDelivery":
            return await delivery(session, key)
        case _:
            return None


async def customer(session: Session, customer_no: str) -> Customer | None:
    """Return a customer by number."""
    found = await session.customer(customer_no)
    return Customer.of(session, found) if found else None


async def product(session: Session, product_code: str) -> Product | None:
    """Return a product by code."""
    found = (await session.catalogue()).get(product_code)
    return Product.of(session, found) if found else None


async def programme(session: Session, programme_code: str) -> Programme | None:
    """Return a programme by code."""
    found = (await session.programmes()).get(programme_code)
    return Programme.of(session, found) if found else None


async def offer(session: Session, token: str) -> Offer | None:
    """Return an offer as it is now, if its product is still offered."""
    if not access.sees_offers(session.viewer):
        return None
    try:
        told = decisions.verify(token, session.services.offer_secret)
    except ApiError:
        return None
    found = await session.customer(told.customer_no)
    if found is None:
        return None
    context = Context(session.today, told.channel, EVERY_OFFER)
    answer = await session.answer(told.customer_no, context)
    for each in answer.offers:
        if each.product.product_code == told.product_code:
            return Offer.of(session, each, context, found.language, token)
    return None
