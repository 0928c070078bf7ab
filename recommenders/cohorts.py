"""Relations: what an employer's other staff, a programme's members, or customers with the same family tie hold.

Only groups of 20 or more speak, as a share; no single relative's holdings are looked at. A product is proposed where
its share in one of the customer's groups exceeds its share among all customers of the bank.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.words import Language
from recommenders.batch import Batch
from recommenders.contract import Arrays, Candidates, Reason, Text
from recommenders.portfolio import Portfolio
from recommenders.view import CustomerView
from recommenders.wording import programme_name

LEAST_GROUP: Final = 20
LEAST_SHARE: Final = 0.1
"""From which a group is said to choose a product often."""
SENTENCES: Final = {
    "employer": ("People who work where you work often choose it.", "您单位的同事常选择它。"),
    "programme": ("Members of your programme {name} often choose it.", "您所在项目{name}的成员常选择它。"),
    "family": ("Families like yours often choose it.", "与您相似的家庭常选择它。"),
}


@dataclass(frozen=True)
class Cohorts:
    """``shares`` is ``(c, m)``, of the groups ``keys``; ``base`` is ``(m,)``, of everybody. None until trained."""

    name: str = "relations"
    version: str = "1"
    shares: NDArray[np.float32] | None = None
    base: NDArray[np.float32] | None = None
    keys: dict[tuple[str, str], int] = field(default_factory=dict)
    product_codes: tuple[str, ...] = ()

    def fit(self, portfolio: Portfolio) -> Arrays:
        """Count holders in every group of 20 or more."""
        sizes = np.asarray(portfolio.cohorts.sum(axis=0)).ravel()
        # In the order of their keys: that of the ledger would tell of groups whose first member came later.
        large = np.array(sorted(np.flatnonzero(sizes >= LEAST_GROUP), key=portfolio.cohort_keys.__getitem__), np.intp)
        holders = (portfolio.cohorts[:, large].T @ portfolio.held).toarray()
        keys = ["|".join(portfolio.cohort_keys[position]) for position in large]
        base = portfolio.held.getnnz(axis=0) / max(1, portfolio.customers)
        return {
            "shares": (holders / sizes[large][:, None]).astype(np.float32),
            "base": base.astype(np.float32),
            "keys": np.array(keys, dtype=np.str_),
        }

    def with_arrays(self, arrays: Arrays, product_codes: Sequence[str]) -> "Cohorts":
        """Return the trained recommender."""
        split = (str(key).split("|", 1) for key in arrays["keys"])
        return replace(
            self,
            shares=np.asarray(arrays["shares"], np.float32),
            base=np.asarray(arrays["base"], np.float32),
            keys={(kind, key): position for position, (kind, key) in enumerate(split)},
            product_codes=tuple(product_codes),
        )

    def propose(self, batch: Batch) -> Candidates:
        """Score the highest share over the customer's groups, where it exceeds everybody's."""
        scores = np.full(batch.shape, np.nan, np.float32)
        columns = [batch.catalogue.index.get(code, -1) for code in self.product_codes]
        known = [position for position, column in enumerate(columns) if column >= 0]
        targets = [columns[position] for position in known]
        for row, customer in enumerate(batch.customers):
            groups = [self.keys[key] for key in customer.cohorts if key in self.keys]
            if groups and self.shares is not None and self.base is not None:
                best = self.shares[groups].max(axis=0)
                scores[row, targets] = np.where(best > self.base, best, np.nan)[known]
        return Candidates(scores, lambda row, column: self._reason(batch, row, column))

    def _reason(self, batch: Batch, row: int, column: int) -> Reason | None:
        if self.shares is None:
            return None
        customer, code = batch.customers[row], batch.catalogue.codes[column]
        shares = self.shares[:, self.product_codes.index(code)]
        kind, key = max((key for key in customer.cohorts if key in self.keys), key=lambda key: shares[self.keys[key]])
        if shares[self.keys[kind, key]] < LEAST_SHARE:
            return None
        path = (customer.customer_no, kind.upper(), key, "HOLD", code)
        return Reason(self.name, path, _sentence(customer, kind, key))


def _sentence(customer: CustomerView, kind: str, key: str) -> Text:
    en, zh = SENTENCES[kind]
    if kind != "programme":
        return {Language.EN: en, Language.ZH: zh}
    named, named_zh = programme_name(next(own for own in customer.memberships if own.programme_code == key))
    return {Language.EN: en.format(name=named), Language.ZH: zh.format(name=named_zh)}
