"""What goes together, and what is being opened: aggregates of the whole bank, never of fewer than 20 customers."""

import strawberry

from api import access
from api.session import Session
from api.types.products import Product
from recommenders import trends


@strawberry.type(description="What a region or segment opens now.")
class Trend:
    """A product's trend in a segment."""

    product: Product = strawberry.field(description="The product.")
    openings: int = strawberry.field(
        description="Customers of the segment who opened it in the 180 days before the model was trained; 20 at least."
    )
    decayed: float = strawberry.field(
        description="The same, each opening counting half as much for every 30 days it is old: it orders the trends."
    )
    lift: float = strawberry.field(
        description="Its share of the segment's decayed openings over its share of the whole bank's."
    )


async def trending(session: Session, found: list[trends.Trend], first: int) -> list[Trend]:
    """Make the types of trends, of products on sale only."""
    access.require(session.viewer, access.SEES_RECOMMENDERS, "what is trending")
    on_sale = await session.on_sale()
    return [
        Trend(
            product=Product.of(session, on_sale[trend.product_code]),
            openings=trend.openings,
            decayed=trend.decayed,
            lift=trend.lift,
        )
        for trend in found
        if trend.product_code in on_sale
    ][:first]
