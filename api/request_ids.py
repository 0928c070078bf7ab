"""An id for every request: in its response, in the errors that are masked, and in each line of the log about it."""

import re
import secrets
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER: Final = "X-Request-ID"
VALID: Final = re.compile(r"[A-Za-z0-9._~+/=:-]{1,128}")

_current: ContextVar[str] = ContextVar("request_id", default="-")


def request_id() -> str:
    """Return the id of the request that is answered here; ``-`` outside of any."""
    return _current.get()


class Identified:
    """Takes a request's id from its header, or makes one where there is none that can be shown and logged."""

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass a request on, and name its id in the response."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        name = HEADER.lower().encode()
        given = dict(scope["headers"]).get(name, b"").decode("latin-1")
        own = given if VALID.fullmatch(given) else secrets.token_hex(16)
        header = (name, own.encode())

        async def named(message: "Message") -> None:
            if message["type"].endswith(("response.start", "websocket.accept")):
                message = {**message, "headers": [*message.get("headers", ()), header]}
            await send(message)

        token = _current.set(own)
        try:
            await self.app(scope, receive, named)
        finally:
            _current.reset(token)
