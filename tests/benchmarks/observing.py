"""What log, metrics and traces cost: requests a second of servers that observe more and less, in turn, over one store.

nothing   neither log, metrics nor traces
observed  as it comes: a line of the log for each operation, and the metrics
traced    the same, and every trace sent to a collector
fields    the same, and a span for each field, by strawberry's OpenTelemetry extension

Each is a server process of its own; ``hello`` asks for ``{ __typename }``, ``page`` for 50 customers with three edges.

    python tests/benchmarks/observing.py [--customers 300] [--connections 16] [--seconds 4] [--rounds 3]
"""

import argparse
import itertools
import os
import statistics
import sys
from contextlib import ExitStack, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from clients import HOST, WARMING_ROUNDS, asked, request, run
from rich.console import Console
from rich.table import Table
from servers import process, sample_bank

from api.limits import Limits
from api.roles import Role
from api.tokens import TokenRules
from api.webhooks.rules import WebhookRules

SECRET = "the secret that signs the tokens of this benchmark"
RULES = TokenRules("HS256", "guanxi", "guanxi", SECRET)
UNHURRIED = Limits(concurrent=1_000, client_rate=1e6, token_rate=1e6, cost=1_000_000, seconds=60)
SERVERS = ("nothing", "observed", "traced", "fields")
PAGE = (
    "query Page { customers(first: 50) { nodes { name accounts { nodes { accountNo } } cards { nodes { cardNo } } "
    "holdings { nodes { product { name } } } } } }"
)


def serve(listener, kind, login, collector, models, audit_secret):
    """Run one server; the process's main function."""
    import uvicorn

    import api.app
    import api.observing
    import api.schema
    from api.logs import log_to_stderr
    from graph.store import Store
    from guanxi.settings import Settings
    from guanxi.trace_export import export_traces
    from plugins.host import PluginHost

    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - for the process's life
    if kind == "nothing":
        api.app.Observed = lambda app: app
        api.app.watched = lambda *_: nullcontext()
        for name in ("execute", "stream"):
            delattr(api.observing.ObservedSchema, name)
        api.schema.note_document = lambda _: None
    else:
        log_to_stderr("json")
    if kind in {"traced", "fields"}:
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector
        export_traces(Settings())
    if kind == "fields":
        from strawberry.extensions.tracing import OpenTelemetryExtension

        api.schema.DisableIntrospection = OpenTelemetryExtension
    hooks = WebhookRules(SECRET)
    wiring = api.app.Wiring(
        lambda: Store(*login), PluginHost.load(), models, RULES, SECRET, hooks, SECRET, audit_secret, limits=UNHURRIED
    )
    uvicorn.Server(uvicorn.Config(api.app.create_app(wiring), **api.app.UVICORN)).run(sockets=[listener])


def collect(listener):
    """Take traces and forget them; the process's main function."""

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer((HOST, 0), Collector, bind_and_activate=False)
    server.socket = listener
    server.serve_forever()


def measure(ports, requests, connections, seconds, rounds):
    """Return each server's requests a second, the median of its rounds."""
    rates = {kind: [] for kind in ports}
    for turn in range(rounds + WARMING_ROUNDS):
        for kind, port in ports.items():
            found = run(asked(port, requests, connections, seconds if turn >= WARMING_ROUNDS else 1))
            if turn >= WARMING_ROUNDS:
                rates[kind].append(found.rate)
    return {kind: statistics.median(found) for kind, found in rates.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, value in (("customers", 300), ("connections", 16), ("seconds", 4), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    asked_for = parser.parse_args()
    token = RULES.issue(Role.ADMIN)
    table = Table("requests a second", *SERVERS, *(f"{kind} / nothing" for kind in SERVERS[1:]))
    with ExitStack() as stack:
        bank = stack.enter_context(sample_bank(asked_for.customers))
        collector = f"http://{HOST}:{stack.enter_context(process(collect))[0]}"
        ports = {
            kind: stack.enter_context(
                process(serve, kind, bank.login, collector, bank.home / "models", bank.audit_secret)
            )[0]
            for kind in SERVERS
        }
        for name, document in (("hello", "{ __typename }"), ("page", PAGE)):
            requests = itertools.repeat(request(document, token=token))
            rates = measure(ports, requests, asked_for.connections, asked_for.seconds, asked_for.rounds)
            shares = [f"{rates[kind] / rates['nothing']:.2f}" for kind in SERVERS[1:]]
            table.add_row(name, *(f"{rates[kind]:,.0f}" for kind in SERVERS), *shares)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
