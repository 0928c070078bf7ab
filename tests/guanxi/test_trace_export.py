"""``guanxi serve`` sends its traces to a collector, those of its last moment, too."""

import http.server
import signal
import subprocess
import sys
import threading

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.waiting import PATIENCE

pytestmark = pytest.mark.embedded

SECRET = "a secret of more than thirty-two characters"


@pytest.fixture
def collector():
    """A collector of traces on loopback: its address, and what it was sent."""
    sent = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", sent
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("workers", [1, 2])
def test_traces_arrive_and_none_is_lost_at_the_end(serve, collector, workers):
    address, sent = collector
    settings = {"GUANXI_DEVELOPMENT": "1", "GUANXI_JWT_SECRET": SECRET, "OTEL_EXPORTER_OTLP_ENDPOINT": address}
    with serve("--workers", workers, **settings) as (process, url):
        for _ in range(6):
            httpx.post(f"{url}/graphql", json={"query": "query Mine { __typename }"}, timeout=PATIENCE)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)

    assert {path for path, _ in sent} == {"/v1/traces"}
    resources = [resource for _, request in sent for resource in request.resource_spans]
    services = {a.value.string_value for r in resources for a in r.resource.attributes if a.key == "service.name"}
    names = [span.name for resource in resources for scope in resource.scope_spans for span in scope.spans]
    assert services == {"guanxi"}
    assert (names.count("POST /graphql"), names.count("query Mine")) == (6, 6)


def test_without_the_extra_it_is_named_in_one_line(tmp_path, command):
    settings = {"GUANXI_JWT_SECRET": SECRET, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    without = "import sys; sys.modules['opentelemetry.exporter'] = None; from guanxi.cli import main; main()"
    run = command(tmp_path, "serve", "--port", 0, **settings)

    done = subprocess.run(
        **run | {"args": [sys.executable, "-c", without, "serve", "--port", "0"]}, capture_output=True, timeout=PATIENCE
    )

    assert done.returncode == 2
    assert done.stderr == "OTEL_EXPORTER_OTLP_ENDPOINT needs the extra: pip install 'guanxi[telemetry]'.\n"
