"""What holds for every request, whatever its route: bounds of its head, headers of its response, no internals."""

import logging
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.endpoint import refusal
from api.errors import INTERNAL, Code

logger = logging.getLogger("guanxi.api")

Header: TypeAlias = tuple[bytes, bytes]

MOST_HEADER_BYTES: Final = 16_384
MOST_URL_BYTES: Final = 32_768
ASSETS: Final = "/graphiql/"
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
"""What a response carries that says nothing else of its own."""


def _raw(headers: Mapping[str, str]) -> tuple[Header, ...]:
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


NOT_STORED: Final = _raw({"Cache-Control": "no-store"})


class Guarded:
    """Refuses a large head, hides what goes wrong unforeseen, and marks responses for browsers.

    ``hsts_seconds`` is how long a browser shall come by HTTPS alone; 0 says nothing of it.
    """

    def __init__(self, app: ASGIApp, hsts_seconds: int = 0) -> None:
        self.app = app
        own = {"Strict-Transport-Security": f"max-age={hsts_seconds}"} if hsts_seconds else {}
        self._headers = _raw(HEADERS | own)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        started = False

        async def marked(message: Message) -> None:
            nonlocal started
            if message["type"].endswith("http.response.start"):
                started = True
                message = {**message, "headers": self._marked(message["headers"], scope["path"])}
            await send(message)

        try:
            await (_refused(scope) or self.app)(scope, receive, marked)
        except Exception:
            if started or scope["type"] == "websocket":
                raise
            logger.exception("unexpected error")
            await refusal(500, Code.INTERNAL, INTERNAL)(scope, receive, marked)

    def _marked(self, headers: Sequence[Header], path: str) -> list[Header]:
        said = {name for name, _ in headers}
        stored = () if path.startswith(ASSETS) else NOT_STORED
        return [*headers, *(header for header in (*self._headers, *stored) if header[0] not in said)]


def _refused(scope: Scope) -> Response | None:
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADER_BYTES:
        return refusal(431, Code.LIMIT_EXCEEDED, f"Headers have {MOST_HEADER_BYTES:,} bytes at most.")
    if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > MOST_URL_BYTES:
        return refusal(414, Code.LIMIT_EXCEEDED, f"A URL has {MOST_URL_BYTES:,} bytes at most.")
    return None
