"""Metrics of a served bank, on a port of their own, whatever the number of workers."""

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from guanxi.metrics_server import metrics_served
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.embedded

SECRET = "a secret of more than thirty-two characters"
QUERY = {"query": "query Products { products(first: 1) { nodes { name } } }"}
SUM = "guanxi_operations_total"


@pytest.fixture
def served(serve):
    """Return a function: ``guanxi serve`` with a port for metrics; the process and both addresses."""
    settings = {"GUANXI_DEVELOPMENT": "1", "GUANXI_JWT_SECRET": SECRET, "GUANXI_METRICS_PORT": "0"}
    with ExitStack() as running:

        def start(*arguments):
            process, url = running.enter_context(serve(*arguments, **settings))
            return process, url, process.stdout.readline().split()[2]

        yield start


def total(metrics, name):
    families = text_string_to_metric_families(httpx.get(metrics, timeout=PATIENCE).text)
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


def workers_of(process):
    """The processes that uvicorn started, by the kernel's list."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.parametrize("workers", [1, 2])
def test_one_answer_is_of_all_workers(served, workers):
    process, url, metrics = served("--workers", workers)
    for _ in range(12):
        assert httpx.post(f"{url}/graphql", json=QUERY, timeout=PATIENCE).status_code == 200

    assert [total(metrics, SUM) for _ in range(5)] == [12] * 5
    wait_until(lambda: total(metrics, "guanxi_workers") == workers)
    assert httpx.get(f"{url}/metrics", timeout=PATIENCE).status_code == 404

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    with pytest.raises(httpx.ConnectError):
        httpx.get(metrics)


def test_a_worker_that_died_keeps_its_counts_and_no_gauge(served):
    process, url, metrics = served("--workers", 2)
    wait_until(lambda: total(metrics, "guanxi_workers") == 2)
    for _ in range(12):
        httpx.post(f"{url}/graphql", json=QUERY, timeout=PATIENCE)
    wait_until(lambda: total(metrics, SUM) == 12)  # each is counted after it is answered

    first = workers_of(process)[0]
    os.kill(first, signal.SIGKILL)

    wait_until(lambda: total(metrics, "guanxi_workers") == 1)
    wait_until(lambda: total(metrics, "guanxi_workers") == 2)
    assert first not in workers_of(process)
    assert total(metrics, SUM) == 12


def test_a_port_that_is_taken_is_said_in_one_line(journey, guanxi):
    with metrics_served("127.0.0.1", 0, 1) as port:
        done = guanxi(journey.home, "serve", "--port", 0, GUANXI_JWT_SECRET=SECRET, GUANXI_METRICS_PORT=str(port))

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"127.0.0.1:{port} cannot be listened on for metrics: ")
