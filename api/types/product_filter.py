"""Which products are asked for, and in which order; asked of the catalogue, which is held in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import total_ordering
from typing import Final, Optional

import strawberry

from api.errors import ApiError, Code
from api.types.conditions import WHAT_IS_SAID, BooleanCondition, Condition, Nesting, TextCondition
from api.types.ordering import Direction, refuse_twice
from api.types.relay import NOT_GIVEN_HERE, Paging, Place
from api.vocabularies import described
from graph import records
from graph.words import CustomerKind, RiskRating

FIELDS: Final = ("product_code", "name", "category", "programme_code", "risk_rating", "credit")


@strawberry.input(description=f"Which products. {WHAT_IS_SAID}")
class ProductFilter(Nesting):
    """The filter of ``products``."""

    product_code: TextCondition | None = strawberry.field(default=None, description="By code.")
    name: TextCondition | None = strawberry.field(default=None, description="By English name.")
    category: TextCondition | None = strawberry.field(default=None, description="By category.")
    programme_code: TextCondition | None = strawberry.field(default=None, description="By programme.")
    risk_rating: Condition[RiskRating] | None = strawberry.field(default=None, description="By investment risk.")
    credit: BooleanCondition | None = strawberry.field(default=None, description="By whether the bank lends by it.")
    audience: CustomerKind | None = strawberry.field(default=None, description="That this kind of customer may hold.")
    on_sale: bool | None = strawberry.field(default=None, description="Whether they are sold today.")
    and_: list["ProductFilter"] | None = strawberry.field(
        default=None, name="and", description="That meet all of these; any where the list is empty."
    )
    or_: list["ProductFilter"] | None = strawberry.field(
        default=None, name="or", description="That meet one of these or more; none where the list is empty."
    )
    not_: Optional["ProductFilter"] = strawberry.field(
        default=None, name="not", description="That do not meet this; so those of which it is unknown."
    )

    def lets(self, product: records.Product, today: date) -> bool:
        """Whether a product is wanted."""
        conditions = ((getattr(self, field), getattr(product, field)) for field in FIELDS)
        return (
            all(condition is None or condition.lets(value) for condition, value in conditions)
            and (self.audience is None or not product.audience or self.audience in product.audience)
            and self.on_sale in (None, product.is_sold_on(today))
            and all(each.lets(product, today) for each in self.and_ or ())
            and (self.or_ is None or any(each.lets(product, today) for each in self.or_))
            and (self.not_ is None or not self.not_.lets(product, today))
        )


@described("What products are ordered by.", PRODUCT_CODE="By code.", NAME="By English name.", CATEGORY="By category.")
class ProductOrderField(StrEnum):
    """The keys of an order of products."""

    PRODUCT_CODE = "product_code"
    NAME = "name"
    CATEGORY = "category"


@strawberry.input(description="One key of an order of products.")
class ProductOrder:
    """A field and a direction."""

    field: ProductOrderField = strawberry.field(description="What is ordered by.")
    direction: Direction = strawberry.field(default=Direction.ASC, description="Which way.")


class ProductSorting:
    """An order of products: their places in it, and how places compare."""

    def __init__(self, order_by: Sequence[ProductOrder]) -> None:
        refuse_twice([key.field for key in order_by])
        keys = {key.field: key.direction for key in order_by}
        self._keys = keys | {ProductOrderField.PRODUCT_CODE: keys.get(ProductOrderField.PRODUCT_CODE, Direction.ASC)}
        self._signature = ",".join(f"{field} {direction.value}" for field, direction in self._keys.items())

    def refuse_foreign(self, paging: Paging) -> None:
        """Refuse cursors of another order.

        Raises:
            ApiError: BAD_INPUT.
        """
        for place in (paging.after, paging.before):
            if place is not None and (place[0] != self._signature or len(place) != 1 + len(self._keys)):
                raise ApiError(Code.BAD_INPUT, NOT_GIVEN_HERE)

    def place(self, product: records.Product) -> Place:
        """Return where a product stands."""
        return (self._signature, *(getattr(product, field) for field in self._keys))

    def rank(self, place: Place) -> tuple["str | Descending", ...]:
        """Return what places are compared by."""
        return tuple(
            Descending(text) if direction is Direction.DESC else text
            for text, direction in zip(place[1:], self._keys.values(), strict=True)
        )


@total_ordering
@dataclass(frozen=True, slots=True)
class Descending:
    """A text that comes before those it would come after."""

    text: str

    def __lt__(self, other: "Descending") -> bool:
        return other.text < self.text
