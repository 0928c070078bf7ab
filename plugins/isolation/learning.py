"""Has a recommender learn in a thread: one that never ends is left behind, and what it raises is its failure alone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from plugins.failures.telling import ours
from plugins.isolation.modes import Isolation
from plugins.isolation.threads import Apart
from recommenders.batch import Batch
from recommenders.contract import Arrays, Candidates, Recommender, Trainable, learns_from_customers

if TYPE_CHECKING:
    from recommenders.portfolio import Portfolio


class ThreadLearner:
    """One that learns in a thread of this process, in the time that it has, and answers as it does alone."""

    def __init__(self, inner: Trainable, isolation: Isolation) -> None:
        self.name = inner.name
        self.version = inner.version
        self.learns_from_customers = learns_from_customers(inner)
        self._inner = inner
        self._isolation = isolation
        self._apart = Apart(inner.name)

    def fit(self, portfolio: "Portfolio") -> Arrays:
        """Have the inner recommender learn; not again, while one that was left behind still does.

        Raises:
            TimeoutError: it took longer than it has; whatever else it raises.
        """
        if not self._apart.is_busy:
            try:
                return self._apart.call(self._isolation.fit_seconds, self._inner.fit, portfolio)
            except TimeoutError:
                if not self._apart.is_busy:  # it is the recommender's own
                    raise
        raise ours(TimeoutError(self._isolation.late_fit)) from None

    def with_arrays(self, arrays: Arrays, product_codes: Sequence[str]) -> Recommender:
        """Return the inner recommender, trained."""
        return self._inner.with_arrays(arrays, product_codes)

    def propose(self, batch: Batch) -> Candidates:
        """Ask the inner recommender, which has learnt nothing."""
        return self._inner.propose(batch)
