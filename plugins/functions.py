"""Makes a recommender of a function: marketing's smallest plugin."""

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Final, TypeAlias

import numpy as np
from pydantic import BaseModel

from graph.errors import PluginError
from graph.words import Language
from plugins.failures.telling import note_row, ours
from recommenders.batch import Batch
from recommenders.catalogue import Catalogue
from recommenders.contract import Candidates, Proposal, Reason, Scores, Text
from recommenders.view import CustomerView

MARK: Final = "guanxi_recommender"
SETTINGS: Final = "settings"
"""The parameter by which a function is given its plugin's settings."""
NUMBERS: Final = (int, float)

Said: TypeAlias = Mapping[tuple[int, int], tuple[float, Proposal]]
"""What a function proposes, and its score, by the customer's row and the product's column."""


class Speaking(ABC):
    """A recommender that says which products it proposes, each with a number from 0 to 1."""

    @abstractmethod
    def said(self, batch: Batch) -> Said:
        """Ask it of every customer; where it proposes a product twice, its last word counts."""

    @abstractmethod
    def reason(self, batch: Batch, said: Said, row: int, column: int) -> Reason | None:
        """Return the reason of what it said of a batch."""


@dataclass(frozen=True)
class FunctionRecommender(Speaking):
    """Calls a function for each customer; it yields or returns proposals.

    It is ``function(customer)``, or ``function(customer, catalogue)``; one with a parameter ``settings`` is given its
    plugin's.
    """

    name: str
    version: str
    function: Callable[..., Iterable[Proposal] | None]
    settings: BaseModel | None = None

    def propose(self, batch: Batch) -> Candidates:
        """Ask the function of every customer; raises as ``said`` does."""
        said, [scores] = self.said(batch), unsaid(1, batch)
        fill(scores, said)
        return Candidates(scores, partial(self.reason, batch, said))

    def said(self, batch: Batch) -> Said:
        """Ask the function of every customer; where it proposes a product twice, its last word counts.

        Raises:
            TypeError, ValueError: it gave something that is no proposal, a score out of range, an unknown product.
        """
        said: dict[tuple[int, int], tuple[float, Proposal]] = {}
        function, catalogue = self._called, batch.catalogue
        row = 0
        try:
            for row, customer in enumerate(batch.customers):
                for proposal in function(customer, catalogue) or ():
                    score, column = _checked(proposal, catalogue)
                    said[row, column] = score, proposal
        except Exception as error:
            note_row(error, row)
            raise
        return said

    def reason(self, batch: Batch, said: Said, row: int, column: int) -> Reason | None:
        """Return the reason of what was said of a batch."""
        _, proposal = said[row, column]
        if proposal.reason is None:
            return None
        customer_no = batch.customers[row].customer_no
        path = proposal.path or (customer_no, "PROPOSED_BY", self.name, "OFFERS", proposal.product_code)
        return Reason(self.name, path, _text(proposal.reason), proposal.facts)

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


def unsaid(count: int, batch: Batch) -> Scores:
    """``(count, n, m)``: the scores of so many plugins that propose nothing."""
    scores = np.empty((count, *batch.shape), np.float32)
    scores.fill(np.nan)
    return scores


def fill(scores: Scores, said: Said) -> None:
    """Write what was said of a batch into its scores."""
    for place, (score, _) in said.items():
        scores[place] = score


def recommender(
    name: str, *, version: str = "1"
) -> Callable[[Callable[..., Iterable[Proposal] | None]], Callable[..., Iterable[Proposal] | None]]:
    """Make a plugin of a function, by being written above it.

    Example:
        >>> @recommender("graduate-first-mortgage")
        ... def propose(customer, catalogue):
        ...     if customer.member_of("campus") and customer.salary_months >= 36:
        ...         yield Proposal("MORTGAGE", score=0.8, reason="three years of steady salary")

    Raises:
        PluginError: it is written without a name.
    """
    if not isinstance(name, str):
        raise PluginError('@recommender needs a name: write @recommender("a-name")')

    def mark(function: Callable[..., Iterable[Proposal] | None]) -> Callable[..., Iterable[Proposal] | None]:
        setattr(function, MARK, FunctionRecommender(name, version, function))
        return function

    return mark


def _checked(proposal: object, catalogue: Catalogue) -> tuple[float, int]:
    if not isinstance(proposal, Proposal):
        raise ours(TypeError(f"gave {type(proposal).__name__}, not a Proposal"))
    score = float(proposal.score) if isinstance(proposal.score, NUMBERS) else math.nan
    if not 0 <= score <= 1:
        said = f"gave {proposal.product_code} the score {proposal.score!r}, not a number from 0 to 1"
        raise ours(ValueError(said), "gave a score that is no number from 0 to 1")
    column = catalogue.index.get(proposal.product_code)
    if column is None:
        said = f"proposed {proposal.product_code!r}, which the catalogue does not have"
        raise ours(ValueError(said), "proposed a product that the catalogue does not have")
    return score, column


def _text(reason: str | Text) -> Text:
    return dict.fromkeys(Language, reason) if isinstance(reason, str) else reason
