"""A receiver of webhooks on loopback: a real HTTP server that keeps what it gets, byte for byte."""

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict
    body: bytes

    @property
    def event_id(self):
        return self.headers["webhook-id"]


class Receiver:
    """Answers with the statuses of ``answers``, each once and the last for ever, or with what a function writes."""

    def __init__(self, ssl=None):
        self.got, self.answers, self.busy, self.most_busy, self._ssl = [], [204], 0, 0, ssl
        self._writers = set()

    @asynccontextmanager
    async def open(self, port=0):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=self._ssl)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._ssl else 'http'}://127.0.0.1:{self.port}/hook?bank=1"
        try:
            yield self
        finally:
            self._server.close()
            for writer in self._writers:
                writer.transport.abort()

    async def _serve(self, reader, writer):
        self.busy += 1
        self._writers.add(writer)
        self.most_busy = max(self.busy, self.most_busy)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._answer(reader, writer)
        finally:
            self.busy -= 1
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])}
        body = await reader.readexactly(int(headers["content-length"]))
        self.got.append(Received(head[0].split()[1], headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, int):
            writer.write(f"HTTP/1.1 {answer} Said\r\nContent-Length: 0\r\nLocation: /elsewhere\r\n\r\n".encode())
            await writer.drain()
        else:
            await answer(writer)
