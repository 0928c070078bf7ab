"""Has a recommender learn in a thread: one that never ends is left behind, and what it raises is its failure alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from plugins.failures.telling import ours
from plugins.isolation.modes import Isolation
from plugins.isolation.threads import Apart
from plugins.isolation.workers import GIVE_SECONDS
from recommenders.batch import Batch
from recommenders.contract import (
    Arrays,
    Candidates,
    Recommender,
    Trainable,
    check_trained,
    learns_from_customers,
)

if TYPE_CHECKING:
    from recommenders.portfolio import Portfolio

T = TypeVar("T")


class ThreadLearner:
    """One that learns, and takes in what it learnt, in a thread of this process, in the time that it has for each."""

    def __init__(self, inner: Trainable, isolation: Isolation) -> None:
        self.name = inner.name
        self.version = inner.version
        self.learns_from_customers = learns_from_customers(inner)
        self._inner = inner
        self._isolation = isolation
        self._fitting = Apart(inner.name)
        self._taking_in = Apart(inner.name)

    def fit(self, portfolio: "Portfolio") -> Arrays:
        """Have the inner recommender learn; not again, while one that was left behind still does.

        Raises:
            TimeoutError: it took longer than it has; whatever else it raises.
        """
        return _in_time(
            self._fitting, self._isolation.fit_seconds, self._isolation.late_fit, self._inner.fit, portfolio
        )

    def with_arrays(self, arrays: Arrays, product_codes: Sequence[str]) -> Recommender:
        """Return the inner recommender, trained, by the name and version that were registered.

        Raises:
            NotLearnt: it gave what cannot answer.
            TimeoutError: it took longer than it has; whatever else it raises.
        """
        late = f"with_arrays took longer than {GIVE_SECONDS:g} s"
        trained = _in_time(self._taking_in, GIVE_SECONDS, late, self._inner.with_arrays, arrays, product_codes)
        check_trained(trained)
        return Trained(self.name, self.version, trained)

    def propose(self, batch: Batch) -> Candidates:
        """Ask the inner recommender, which has learnt nothing."""
        return self._inner.propose(batch)


@dataclass(frozen=True)
class Trained:
    """A recommender that has learnt, whatever it calls itself by then."""

    name: str
    version: str
    inner: Recommender

    def propose(self, batch: Batch) -> Candidates:
        """Ask the inner recommender."""
        return self.inner.propose(batch)


def _in_time(apart: Apart, seconds: float, late: str, function: Callable[..., T], *arguments: object) -> T:
    if not apart.is_busy:
        try:
            return apart.call(seconds, function, *arguments)
        except TimeoutError:
            if not apart.is_busy:  # it is the recommender's own
                raise
    raise ours(TimeoutError(late)) from None
