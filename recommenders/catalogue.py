"""The products of a bank, in the order that the columns of every score and mask have."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType

from graph.errors import NotFound
from graph.records import Product
from graph.terms import Contract
from recommenders.purposes import DEFAULT_LIMITS, PurposeLimits


class Catalogue:
    """Products sorted by product code, found by code or by column; read-only, since every plugin is given it.

    ``limits`` say which kinds of data may serve which of them; whatever is made of customers for a catalogue's products
    (batches, ledgers) keeps to them.
    """

    products: tuple[Product, ...]
    codes: tuple[str, ...]
    index: Mapping[str, int]
    limits: PurposeLimits

    def __init__(self, products: Sequence[Product], limits: PurposeLimits = DEFAULT_LIMITS) -> None:
        ordered = tuple(sorted(products, key=lambda product: product.product_code))
        codes = tuple(product.product_code for product in ordered)
        index = MappingProxyType({code: column for column, code in enumerate(codes)})
        self.__dict__.update(products=ordered, codes=codes, index=index, limits=limits)

    def __reduce__(self) -> tuple[type["Catalogue"], tuple[tuple[Product, ...], PurposeLimits]]:
        """To another process go the products and the limits."""
        return type(self), (self.products, self.limits)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"The catalogue's {name} cannot be changed.")

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
    def seen(self) -> tuple[frozenset[str], ...]:
        """Each column's confined kinds of data, those that may serve it."""
        return tuple(self.limits.seen_by(product) for product in self.products)

    @cached_property
    def contracts(self) -> Mapping[int, Contract]:
        """The contracts with partners, by the columns of the products that they are about."""
        found = {column: product.contract for column, product in enumerate(self.products)}
        return {column: contract for column, contract in found.items() if contract is not None}

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Each column's category."""
        return tuple(product.category for product in self.products)
