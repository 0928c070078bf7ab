"""The application: routes, middleware and lifespan, put together in one place."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

from api.bodies import MOST_BYTES
from api.current_schema import CurrentSchema
from api.documents import PersistedDocuments, TrustedDocuments
from api.endings import when_asked_to_end
from api.endpoint import GraphQLEndpoint
from api.event_streams import HEARTBEAT_SECONDS
from api.events import Changes, Interactions
from api.gauges import Gauges
from api.guards import Guarded
from api.limits import DEFAULT_LIMITS, Limits
from api.live_engine import LiveEngine
from api.observing import Observed
from api.reading import Reading
from api.request_ids import HEADER, Identified
from api.schema import build_schema
from api.session import Services
from api.shadow_counts import store_seen
from api.slow_clients import ImpatientProtocol
from api.store_watch import watched
from api.storing import keep_storing
from api.tokens import TokenRules
from api.trail import Trail
from api.webhooks.rules import WebhookRules
from api.webhooks.sending import keep_sending
from graph.audit import AuditLog
from graph.audit_entries import AuditKey
from graph.errors import StoreError, StoreUnavailable
from graph.store import Store
from graph.words import PluginStage
from plugins.failures.storing import tell_webhooks
from plugins.host import PluginHost
from recommenders.purposes import DEFAULT_LIMITS as DEFAULT_PURPOSES
from recommenders.purposes import PurposeLimits

logger = logging.getLogger("guanxi.api")

GRAPHIQL: Final = Path(__file__).parent / "graphiql"
START_SECONDS: Final = 10.0
READY_SECONDS: Final = 3.0
"""How long a store that takes connections and says nothing is waited for: by a server's start, and by ``/readyz``."""
UVICORN: Final[dict[str, Any]] = {
    "http": ImpatientProtocol,
    "log_config": None,
    "log_level": "warning",
    "server_header": False,
    "ws_max_size": MOST_BYTES,
    "ws_ping_interval": HEARTBEAT_SECONDS,
    "ws_ping_timeout": HEARTBEAT_SECONDS,
}
"""How uvicorn is to serve the application."""


Share: TypeAlias = Callable[[Changes, Interactions], AbstractAsyncContextManager[None]]
"""Shares with other servers, for as long as it is entered, what is told to subscribers."""


@asynccontextmanager
async def alone(changes: Changes, interactions: Interactions) -> AsyncIterator[None]:  # noqa: ARG001 - as `Wiring.share`
    """Share nothing with other servers."""
    yield


async def idle(store: Store, host: Callable[[], PluginHost]) -> None:
    """Do no jobs."""


@dataclass(frozen=True)
class Wiring:
    """What a server is made of.

    Attributes:
        open_store: yields the store, which may be down.
        origins: web origins that may call from a browser.
        hsts_seconds: how long browsers shall come by HTTPS alone; 0 says nothing of it.
        trusted: manifest, or folder of such, of the only operations that run; without it every operation does.
        at_end: is called in a thread when the server has ended.
        federation: serve as a subgraph of Apollo Federation, too.
        purposes: which products each kind of data may serve.
        work: does jobs for as long as the server lives, of the plugins that it has by then.
        new_plugins: the stage of plugins on which nobody has decided.
    """

    open_store: Callable[[], AbstractAsyncContextManager[Store]]
    host: PluginHost
    models: Path
    rules: TokenRules
    offer_secret: str
    webhooks: WebhookRules
    erasure_secret: str
    audit_secret: str
    development: bool = False
    origins: tuple[str, ...] = ()
    hsts_seconds: int = 0
    share: Share = alone
    limits: Limits = DEFAULT_LIMITS
    trusted: Path | None = None
    at_end: Callable[[], object] = lambda: None
    federation: bool = False
    purposes: PurposeLimits = DEFAULT_PURPOSES
    work: Callable[[Store, Callable[[], PluginHost]], Coroutine[Any, Any, None]] = idle
    new_plugins: PluginStage = PluginStage.LIVE


def create_app(wiring: Wiring) -> Starlette:
    """Return the ASGI application; it starts whether the store answers or not."""
    router = Router(redirect_slashes=False)  # a redirect would go to whatever host the request names

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with wiring.open_store() as store, _served(store, wiring) as (services, schema):
            router.routes[:] = _routes(services, schema, wiring)
            yield
        await asyncio.to_thread(wiring.at_end)

    return Starlette(
        routes=[Mount("/", router)],
        middleware=[
            Middleware(Identified),
            Middleware(Observed),
            Middleware(Guarded, wiring.hsts_seconds),
            Middleware(
                CORSMiddleware,
                allow_origins=wiring.origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type", HEADER],
                expose_headers=[HEADER, "Retry-After"],
            ),
        ],
        lifespan=lifespan,
    )


@asynccontextmanager
async def _served(store: Store, wiring: Wiring) -> AsyncIterator[tuple[Services, CurrentSchema]]:
    store.watch = watched
    engine = LiveEngine(store, wiring.host, wiring.models, wiring.purposes, wiring.new_plugins)
    trail = Trail(AuditLog(store, AuditKey(wiring.audit_secret)))
    services = Services(
        store, engine, Changes(), Interactions(), wiring.offer_secret, wiring.webhooks, wiring.erasure_secret, trail
    )
    engine.on_change = services.changes.wake_all
    try:
        await store.ping(START_SECONDS)
        await engine.refresh()
    except StoreError as error:
        logger.warning("%s Answering 503 until it comes.", error)
    else:
        with suppress(StoreUnavailable):
            await trail.log.check_key()
    schema = CurrentSchema(
        engine.host,
        partial(build_schema, introspection=wiring.development, limits=wiring.limits, federation=wiring.federation),
    )
    engine.on_plugins = schema.follow
    sending = keep_sending(store, wiring.webhooks)
    shadowing = keep_storing(partial(store_seen, store, engine.shadows))
    telling = keep_storing(partial(tell_webhooks, store, wiring.host.reports.counts))
    lasting = (
        engine.keep_fresh(),
        wiring.work(store, lambda: engine.host),
        Gauges(engine).keep(),
        trail.keep(),
        sending,
        shadowing,
        telling,
    )
    kept = [asyncio.create_task(task) for task in lasting]
    try:
        async with wiring.share(services.changes, services.interactions):
            with when_asked_to_end(services.streams.end):
                yield services, schema
    finally:
        for task in kept:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await trail.close()
        engine.close()


def _routes(services: Services, schema: CurrentSchema, wiring: Wiring) -> Sequence[Any]:
    endpoint = GraphQLEndpoint(
        schema,
        services,
        wiring.rules,
        _reading(wiring),
        development=wiring.development,
        origins=wiring.origins,
    )
    routes: list[Any] = [
        Route("/graphql", endpoint),
        WebSocketRoute("/graphql", endpoint),
        Route("/healthz", _alive),
        Route("/readyz", _ready(services)),
    ]
    if wiring.development:
        routes.append(Mount("/graphiql", StaticFiles(directory=GRAPHIQL)))
    return routes


def _reading(wiring: Wiring) -> Reading:
    limits = wiring.limits
    if wiring.trusted is None:
        return Reading(limits, PersistedDocuments(limits.persisted))
    return Reading(limits, TrustedDocuments(wiring.trusted, limits.tokens))


async def _alive(_: Request) -> Response:
    return JSONResponse({"status": "alive"})


def _ready(services: Services) -> Callable[[Request], Any]:
    async def ready(_: Request) -> Response:
        model = services.engine.model_id
        try:
            await services.store.ping(READY_SECONDS)
        except StoreError:
            return JSONResponse({"status": "not ready", "store": "unreachable", "model": model}, 503)
        return JSONResponse({"status": "ready", "store": "reachable", "model": model})

    return ready
