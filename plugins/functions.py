"""Makes a recommender of a function: marketing's smallest plugin."""

import inspect
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Final

import numpy as np
from pydantic import BaseModel

from graph.errors import PluginError
from graph.words import Language
from plugins.failures.telling import note_row
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Candidates, Proposal, Reason, Text
from recommenders.view import CustomerView

MARK: Final = "guanxi_recommender"
SETTINGS: Final = "settings"
"""The parameter by which a function is given its plugin's settings."""


@dataclass(frozen=True)
class FunctionRecommender:
    """Calls a function for each customer; it yields or returns proposals.

    It is ``function(customer)``, or ``function(customer, catalogue)``; one with a parameter ``settings`` is given its
    plugin's.
    """

    name: str
    version: str
    function: Callable[..., Iterable[Proposal] | None]
    settings: BaseModel | None = None

    def propose(self, batch: Batch) -> Candidates:
        """Ask the function of every customer; where it proposes a product twice, its last word counts.

        Raises:
            TypeError, ValueError: it gave something that is no proposal, a score out of range, an unknown product.
        """
        scores = np.empty(batch.shape, np.float32)
        scores.fill(np.nan)
        said: dict[tuple[int, int], Proposal] = {}
        function, catalogue = self._called, batch.catalogue
        row = 0
        try:
            for row, customer in enumerate(batch.customers):
                for proposal in function(customer, catalogue) or ():
                    column = _column(proposal, catalogue)
                    scores[row, column] = proposal.score
                    said[row, column] = proposal
        except Exception as error:
            note_row(error, row)
            raise
        return Candidates(scores, lambda row, column: self._reason(batch.customers[row], said[row, column]))

    def under(self, settings: BaseModel | None) -> "FunctionRecommender":
        """Return it with its plugin's settings, if its function takes them.

        Raises:
            PluginError: it does, and its plugin has none.
        """
        if not self._takes_settings:
            return self
        if settings is None:
            raise PluginError(f"the function of {self.name!r} takes settings, and its plugin's About names none")
        return replace(self, settings=settings)

    @cached_property
    def _parameters(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.function).parameters)

    @cached_property
    def _takes_settings(self) -> bool:
        return SETTINGS in self._parameters

    @cached_property
    def _called(self) -> Callable[[CustomerView, Catalogue], Iterable[Proposal] | None]:
        """The function as it is called of customer and catalogue, whatever it takes."""
        own = partial(self.function, **{SETTINGS: self.settings}) if self._takes_settings else self.function
        takes_catalogue = len(self._parameters) - self._takes_settings > 1
        return own if takes_catalogue else lambda customer, _: own(customer)

    def _reason(self, customer: CustomerView, proposal: Proposal) -> Reason | None:
        if proposal.reason is None:
            return None
        path = proposal.path or (customer.customer_no, "PROPOSED_BY", self.name, "OFFERS", proposal.product_code)
        return Reason(self.name, path, _text(proposal.reason), proposal.facts)


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
