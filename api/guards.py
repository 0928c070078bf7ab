"""What holds for every request, whatever its route: bounds of its head, headers of its response, no internals."""

import logging
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.endpoint import refusal
from api.errors import INTERNAL, Code

logger = logging.getLogger("guanxi.api")

MOST_HEADER_BYTES: Final = 16_384
MOST_URL_BYTES: Final = 32_768
ASSETS: Final = "/graphiql/"
NOT_SHOWN: Final = "default-src 'none'; frame-ancestors 'none'"
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": NOT_SHOWN,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
"""What a response carries that says nothing else of its own."""


class Guarded:
    """Refuses a large head, hides what goes wrong unforeseen, and marks responses for browsers.

    ``hsts_seconds`` is how long a browser shall come by HTTPS alone; 0 says nothing of it.
    """

    def __init__(self, app: ASGIApp, hsts_seconds: int = 0) -> None:
        self.app = app
        self._headers = dict(HEADERS)
        if hsts_seconds:
            self._headers["Strict-Transport-Security"] = f"max-age={hsts_seconds}"

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
                self._mark(message, scope["path"])
            await send(message)

        try:
            await (_refused(scope) or self.app)(scope, receive, marked)
        except Exception as error:
            if started or scope["type"] == "websocket":
                raise
            logger.exception("unexpected error", exc_info=error)
            await refusal(500, Code.INTERNAL, INTERNAL)(scope, receive, marked)

    def _mark(self, message: Message, path: str) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in self._headers.items():
            headers.setdefault(name, value)
        if not path.startswith(ASSETS):
            headers.setdefault("Cache-Control", "no-store")


def _refused(scope: Scope) -> Response | None:
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADER_BYTES:
        return refusal(431, Code.LIMIT_EXCEEDED, f"Headers have {MOST_HEADER_BYTES:,} bytes at most.")
    if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > MOST_URL_BYTES:
        return refusal(414, Code.LIMIT_EXCEEDED, f"A URL has {MOST_URL_BYTES:,} bytes at most.")
    return None
