"""A class that learns: of those who hold a product, the share that holds another, too. Arrays in, arrays out."""

from dataclasses import dataclass, replace

import numpy as np

from guanxi import Candidates, Reason, hookimpl, say


@dataclass(frozen=True)
class HeldTogether:
    """``shares`` is (m, m): of the holders of a row's product, the share that holds a column's; None until trained."""

    name: str = "held-together"
    version: str = "1"
    shares: np.ndarray | None = None
    product_codes: tuple[str, ...] = ()

    def fit(self, portfolio):
        """Learn arrays; they are kept in the model's folder under the recommender's name."""
        held = portfolio.held.toarray()
        together = held.T @ held
        return {"shares": (together / np.maximum(np.diag(together), 1)[:, None]).astype(np.float32)}

    def with_arrays(self, arrays, product_codes):
        """Return the trained recommender."""
        return replace(self, shares=arrays["shares"], product_codes=tuple(product_codes))

    def propose(self, batch):
        """Score a batch, (n, m), by the product held that goes best with each; nan is no proposal."""
        index = {code: column for column, code in enumerate(self.product_codes)}
        columns = [index.get(code, -1) for code in batch.catalogue.codes]
        shares = np.pad(self.shares, (0, 1))[np.ix_(columns, columns)]  # a product newer than the model has none
        np.fill_diagonal(shares, 0)
        scores = np.max(batch.held[:, :, None] * shares[None], axis=1).astype(np.float32)
        scores[scores == 0] = np.nan
        return Candidates(scores, lambda row, column: self._reason(batch, shares, row, column))

    def _reason(self, batch, shares, row, column):
        best = batch.catalogue.products[np.argmax(batch.held[row] * shares[:, column])]
        path = (
            batch.customers[row].customer_no,
            "HOLDS",
            best.product_code,
            "HELD_WITH",
            batch.catalogue.codes[column],
        )
        text = say(f"It goes well with your {best.name}.", f"与您持有的{best.name_zh or best.name}相配。")
        return Reason(self.name, path, text)


@hookimpl
def recommenders(register):
    """Register the recommender."""
    register(HeldTogether())
