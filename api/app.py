"""The application: routes, middleware and lifespan, put together in one place."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.bodies import MOST_BYTES
from api.documents import PersistedDocuments, TrustedDocuments
from api.endpoint import GraphQLEndpoint, refusal
from api.errors import Code
from api.events import Changes
from api.limits import DEFAULT_LIMITS, Limits
from api.live_engine import LiveEngine
from api.reading import Reading
from api.schema import build_schema
from api.session import Services
from api.tokens import TokenRules
from graph.errors import StoreError
from graph.store import Store
from plugins.host import PluginHost

logger = logging.getLogger("guanxi.api")

GRAPHIQL: Final = Path(__file__).parent / "graphiql"
MOST_HEADER_BYTES: Final = 16_384
START_SECONDS: Final = 10.0
READY_SECONDS: Final = 3.0
"""How long a store that takes connections and says nothing is waited for: by a server's start, and by ``/readyz``."""
UVICORN: Final[dict[str, Any]] = {"log_level": "warning", "server_header": False, "ws_max_size": MOST_BYTES}
"""How uvicorn is to serve the application."""


@dataclass(frozen=True)
class Wiring:
    """What a server is made of.

    Attributes:
        open_store: yields the store, which may be down.
        origins: web origins that may call from a browser.
        trusted: manifest, or folder of such, of the only operations that run; without it every operation does.
    """

    open_store: Callable[[], AbstractAsyncContextManager[Store]]
    host: PluginHost
    models: Path
    rules: TokenRules
    offer_secret: str
    development: bool = False
    origins: tuple[str, ...] = ()
    limits: Limits = DEFAULT_LIMITS
    trusted: Path | None = None


def create_app(wiring: Wiring) -> Starlette:
    """Return the ASGI application; it starts whether the store answers or not."""
    router = Router()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with wiring.open_store() as store, _served(store, wiring) as services:
            router.routes[:] = _routes(services, wiring)
            yield

    return Starlette(
        routes=[Mount("/", router)],
        middleware=[
            Middleware(Guarded),
            Middleware(
                CORSMiddleware,
                allow_origins=wiring.origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type"],
            ),
        ],
        lifespan=lifespan,
    )


@asynccontextmanager
async def _served(store: Store, wiring: Wiring) -> AsyncIterator[Services]:
    engine = LiveEngine(store, wiring.host, wiring.models)
    services = Services(store, engine, Changes(), wiring.offer_secret)
    engine.on_change = services.changes.publish_all
    try:
        await store.ping(START_SECONDS)
        await engine.refresh()
    except StoreError as error:
        logger.warning("%s Answering 503 until it comes.", error)
    fresh = asyncio.create_task(engine.keep_fresh())
    try:
        yield services
    finally:
        fresh.cancel()
        with suppress(asyncio.CancelledError):
            await fresh
        engine.close()


def _routes(services: Services, wiring: Wiring) -> Sequence[Any]:
    endpoint = GraphQLEndpoint(
        build_schema(introspection=wiring.development, limits=wiring.limits),
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


class Guarded:
    """Refuses large headers, and marks every response as neither to be sniffed nor stored."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"].endswith("http.response.start"):
                headers = [*message["headers"], (b"x-content-type-options", b"nosniff")]
                if not scope["path"].startswith("/graphiql/"):
                    headers.append((b"cache-control", b"no-store"))
                message = {**message, "headers": headers}
            await send(message)

        if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADER_BYTES:
            too_large = refusal(431, Code.LIMIT_EXCEEDED, f"Headers have {MOST_HEADER_BYTES:,} bytes at most.")
            await too_large(scope, receive, marked)
            return
        await self.app(scope, receive, marked)
