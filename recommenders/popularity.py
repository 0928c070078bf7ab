"""What most customers of the same kind have: the fallback that never fails, trained or not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.words import Language
from recommenders.batch import Batch
from recommenders.contract import Arrays, Candidates, Reason
from recommenders.portfolio import KINDS, Portfolio

UNTRAINED_SCORE: Final = 0.01
LEAST_GROUP: Final = 20
MANY = {
    KINDS[0]: ("Many of our personal customers have it.", "许多个人客户都在使用。"),
    KINDS[1]: ("Many companies that bank with us have it.", "许多公司客户都在使用。"),
    KINDS[2]: ("Many institutions that bank with us have it.", "许多机构客户都在使用。"),
}


@dataclass(frozen=True)
class Popularity:
    """``shares`` is ``(3, m)``: the share of each kind's customers who hold each product; None until trained."""

    name: str = "popularity"
    version: str = "1"
    shares: NDArray[np.float32] | None = None
    product_codes: tuple[str, ...] = ()

    def fit(self, portfolio: Portfolio) -> Arrays:
        """Count holders by kind; a kind of fewer than 20 customers is not described."""
        shares = np.zeros((len(KINDS), len(portfolio.catalogue)), np.float32)
        for kind in range(len(KINDS)):
            members = portfolio.held[portfolio.kinds == kind]
            if members.shape[0] >= LEAST_GROUP:
                shares[kind] = members.getnnz(axis=0) / members.shape[0]
        return {"shares": shares}

    def with_arrays(self, arrays: Arrays, product_codes: Sequence[str]) -> "Popularity":
        """Return the trained recommender."""
        return replace(self, shares=np.asarray(arrays["shares"], np.float32), product_codes=tuple(product_codes))

    def propose(self, batch: Batch) -> Candidates:
        """Score every product by its share; the same small score for what training did not know."""
        scores = np.full((len(KINDS), len(batch.catalogue)), UNTRAINED_SCORE, np.float32)
        if self.shares is not None:
            for position, code in enumerate(self.product_codes):
                if code in batch.catalogue:
                    scores[:, batch.catalogue.index[code]] = self.shares[:, position]
        rows = [KINDS.index(customer.kind) for customer in batch.customers]
        return Candidates(scores[rows], lambda row, column: self._reason(batch, row, column))

    def _reason(self, batch: Batch, row: int, column: int) -> Reason | None:
        if self.shares is None:
            return None
        customer, product = batch.customers[row], batch.catalogue.products[column]
        if product.product_code not in self.product_codes:
            return None
        share = self.shares[KINDS.index(customer.kind), self.product_codes.index(product.product_code)]
        if share < 0.1:
            return None
        en, zh = MANY[customer.kind]
        path = (customer.customer_no, "KIND", customer.kind, "HOLDS", product.product_code)
        return Reason(self.name, path, {Language.EN: en, Language.ZH: zh})
