"""``guanxi serve``: the API."""

import os
import socket
from contextlib import ExitStack
from typing import Annotated, Any

import typer
import uvicorn
from uvicorn.supervisors import Multiprocess

from api.app import UVICORN
from api.logs import log_to_stderr
from api.manifests import read_manifests
from api.proxies import trusting
from graph import embedded
from graph.errors import GuanxiError
from guanxi.hardening import refuse_in_production
from guanxi.listening import listening
from guanxi.metrics_server import metrics_served
from guanxi.serving import sharing
from guanxi.settings import Settings
from guanxi.token_rules import token_rules
from guanxi.trace_export import check_exporter


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Server processes; with REDIS_URL they share events.")] = 1,
    development: Annotated[
        bool, typer.Option(help="Serve GraphiQL, and take the tokens of guanxi token; never in production.")
    ] = False,
) -> None:
    """Serve GraphQL at /graphql, and health at /healthz and /readyz."""
    if development:
        os.environ["GUANXI_DEVELOPMENT"] = "1"
    settings = Settings()
    token_rules(settings)
    refuse_in_production(settings)
    check_exporter(settings)
    sharing(settings)
    if settings.trusted_documents is not None:
        read_manifests(settings.trusted_documents)
    with ExitStack() as held:
        if settings.neo4j_uri is None:
            held.enter_context(embedded.join(settings.home))
        listener = listening(host, port)
        lines = [f"GraphQL at http://{host}:{listener.getsockname()[1]}/graphql (stop with Ctrl-C)"]
        if settings.metrics_port is not None:
            at = held.enter_context(metrics_served(settings.metrics_host, settings.metrics_port, workers))
            lines.append(f"Metrics at http://{settings.metrics_host}:{at}/metrics")
        typer.echo("\n".join(lines))
        _run(listener, settings, workers, UVICORN | trusting(settings.trusted_proxies))


def _run(listener: socket.socket, settings: Settings, workers: int, options: dict[str, Any]) -> None:
    config = uvicorn.Config(
        "guanxi.serving:app", factory=True, workers=workers, timeout_graceful_shutdown=10, **options
    )
    if workers > 1:
        log_to_stderr(settings.log_format, settings.log_level, whole=settings.development)
        Multiprocess(config, sockets=[listener]).run()
        return
    server = uvicorn.Server(config)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn has stopped in good order, and says again what stopped it
        return
    if not server.started:
        raise GuanxiError("The server did not start; what it said stands above.")
