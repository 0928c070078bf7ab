"""Serves the metrics on a port of their own, from the process that owns the workers, so that one answer is of them all.

A port of its own, since the API's is public: a path there would be as public, and no address could be told from the
address of a proxy on the same machine.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from prometheus_client import start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from api.metrics import REGISTRY
from graph.errors import GuanxiError

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Names to the workers where each writes its values; they must find it when they import the metrics."""


class WorkersMetrics(Collector):
    """Adds up what the workers wrote: counts of those that are gone, too, but not what they had open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        self._forget_the_dead()
        metrics: Iterable[Metric] = MultiProcessCollector(None, str(self._folder)).collect()  # type: ignore[no-untyped-call]
        return metrics

    def _forget_the_dead(self) -> None:
        for pid in {int(path.stem.rpartition("_")[2]) for path in self._folder.glob("gauge_live*.db")}:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                with suppress(FileNotFoundError):  # another reader did it
                    mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]


@contextmanager
def metrics_served(host: str, port: int, workers: int) -> Iterator[int]:
    """Serve the metrics of this process or, where there are several, of its workers; yields the port.

    Raises:
        GuanxiError: the address or port cannot be had.
    """
    with tempfile.TemporaryDirectory(prefix="guanxi-metrics-", ignore_cleanup_errors=True) as folder:
        if workers > 1:
            os.environ[FOLDER] = folder
        try:
            server, thread = start_http_server(port, host, WorkersMetrics(Path(folder)) if workers > 1 else REGISTRY)
        except OSError as error:
            raise GuanxiError(
                f"{host}:{port} cannot be listened on for metrics: {error.strerror}. Try another GUANXI_METRICS_PORT."
            ) from error
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
