"""Watches what goes to the store, which itself knows nothing of metrics and traces."""

from collections.abc import Iterator
from contextlib import contextmanager

from api import metrics
from api.tracing import query_span


@contextmanager
def watched(access: str, cypher: str) -> Iterator[None]:
    """Measure and trace a query, which is a read or a write."""
    with (
        metrics.STORE_IN_FLIGHT.track_inprogress(),
        metrics.STORE_SECONDS.labels(access).time(),
        query_span(access, cypher),
    ):
        try:
            yield
        except Exception as error:
            metrics.STORE_ERRORS.labels(type(error).__name__).inc()
            raise
