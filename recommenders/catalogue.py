"""The products of a bank, in the order that the columns of every score and mask have."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from graph.errors import NotFound
from graph.records import Product


class Catalogue:
    """Products sorted by product code, found by code or by column."""

    def __init__(self, products: Sequence[Product]) -> None:
        self.products = tuple(sorted(products, key=lambda product: product.product_code))
        self.codes = tuple(product.product_code for product in self.products)
        self.index = {code: column for column, code in enumerate(self.codes)}

    def __len__(self) -> int:
        return len(self.products)

    def __iter__(self) -> Iterator[Product]:
        return iter(self.products)

    def __contains__(self, product_code: str) -> bool:
        return product_code in self.index

    def __getitem__(self, product_code: str) -> Product:
        """Return a product; raises NotFound for an unknown code."""
        if product_code not in self.index:
            raise NotFound("product", product_code)
        return self.products[self.index[product_code]]

    def of_category(self, *categories: str) -> tuple[Product, ...]:
        """Return the products of any of the categories."""
        return tuple(product for product in self.products if product.category in categories)

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Each column's category."""
        return tuple(product.category for product in self.products)
