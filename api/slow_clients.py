"""Cuts off clients that send or take too slowly, or send a head without end; uvicorn waits for them for ever."""

from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_SECONDS: Final = 20.0
"""How long a request may take to arrive whole, from the connection or its first byte."""
STALLED_SECONDS: Final = 20.0
"""How long a client may take no byte of a response that waits for it."""
MOST_HEAD_BYTES: Final = 65_536


class ImpatientProtocol(HttpToolsProtocol):
    """Uvicorn's protocol of HTTP/1.1, with deadlines for what comes and for what goes."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._arrival: TimerHandle | None = None
        self._departure: TimerHandle | None = None
        self._in_head = False
        self._head_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Wait for a request."""
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing."""
        self._arrived()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes."""
        self._expect()
        super().data_received(data)
        self._head_bytes += len(data)
        if self._in_head and self._head_bytes > MOST_HEAD_BYTES:
            self._cut(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin a request, whose bytes are those that came from now on."""
        super().on_message_begin()
        self._expect()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """End a request's head."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End a request."""
        self._arrived()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over."""
        self._arrived()
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        """Wait for the client to take what is written."""
        super().pause_writing()
        self._departure = self._departure or self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client takes it."""
        if self._departure is not None:
            self._departure.cancel()
            self._departure = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, and one whose client takes no last bytes, too."""
        self._close()

    def _expect(self) -> None:
        self._arrival = self._arrival or self.loop.call_later(REQUEST_SECONDS, self._late)

    def _arrived(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _late(self) -> None:
        self._arrival = None
        if self.flow.read_paused:  # it waits for us: for the response before it, or for its body to be read
            self._expect()
        else:
            self._cut(HTTPStatus.REQUEST_TIMEOUT)

    def _cut(self, status: HTTPStatus) -> None:
        """End the connection; with a status where a head has begun to come, and no response is due before it."""
        if self._in_head and (self.cycle is None or self.cycle.response_complete):
            self.transport.write(
                f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
        self._close()

    def _close(self) -> None:
        self.transport.close()
        self.loop.call_later(STALLED_SECONDS, self.transport.abort)
