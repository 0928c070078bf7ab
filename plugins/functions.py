"""Makes a recommender of a function: marketing's smallest plugin."""

import inspect
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from graph.words import Language
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Candidates, Proposal, Reason, Text
from recommenders.view import CustomerView

MARK: Final = "guanxi_recommender"


@dataclass(frozen=True)
class FunctionRecommender:
    """Calls a function for each customer; ``function(customer, catalogue)`` yields or returns proposals."""

    name: str
    version: str
    function: Callable[..., Iterable[Proposal] | None]

    def propose(self, batch: Batch) -> Candidates:
        """Ask the function of every customer; where it proposes a product twice, its last word counts.

        Raises:
            TypeError, ValueError: it gave something that is no proposal, a score out of range, an unknown product.
        """
        scores = np.full(batch.shape, np.nan, np.float32)
        said: dict[tuple[int, int], Proposal] = {}
        for row, customer in enumerate(batch.customers):
            arguments: tuple[Any, ...] = (customer, batch.catalogue) if self._takes_catalogue else (customer,)
            for proposal in self.function(*arguments) or ():
                column = _column(proposal, batch.catalogue)
                scores[row, column] = proposal.score
                said[row, column] = proposal
        return Candidates(scores, lambda row, column: self._reason(batch.customers[row], said[row, column]))

    @cached_property
    def _takes_catalogue(self) -> bool:
        return len(inspect.signature(self.function).parameters) > 1

    def _reason(self, customer: CustomerView, proposal: Proposal) -> Reason | None:
        if proposal.reason is None:
            return None
        path = proposal.path or (customer.customer_no, "PROPOSED_BY", self.name, "OFFERS", proposal.product_code)
        return Reason(self.name, path, _text(proposal.reason))


def recommender(
    name: str, *, version: str = "1"
) -> Callable[[Callable[..., Iterable[Proposal] | None]], Callable[..., Iterable[Proposal] | None]]:
    """Make a plugin of a function, by being written above it.

    Example:
        >>> @recommender("graduate-first-mortgage")
        ... def propose(customer, catalogue):
        ...     if customer.member_of("campus") and customer.salary_months >= 36:
        ...         yield Proposal("MORTGAGE", score=0.8, reason="three years of steady salary")
    """

    def mark(function: Callable[..., Iterable[Proposal] | None]) -> Callable[..., Iterable[Proposal] | None]:
        setattr(function, MARK, FunctionRecommender(name, version, function))
        return function

    return mark


def _column(proposal: object, catalogue: Catalogue) -> int:
    if not isinstance(proposal, Proposal):
        raise TypeError(f"gave {type(proposal).__name__}, not a Proposal")
    if not isinstance(proposal.score, int | float) or not math.isfinite(proposal.score) or not 0 <= proposal.score <= 1:
        raise ValueError(f"gave {proposal.product_code} the score {proposal.score!r}, not a number from 0 to 1")
    if proposal.product_code not in catalogue:
        raise ValueError(f"proposed {proposal.product_code!r}, which the catalogue does not have")
    return catalogue.index[proposal.product_code]


def _text(reason: str | Text) -> Text:
    return dict.fromkeys(Language, reason) if isinstance(reason, str) else reason
