"""A client that asks over raw HTTP/1.1, with connections kept alive, and what came of it.

It costs far less than a library that reads HTTP in full, so that it is not itself what is measured; ``busy`` tells.
"""

import asyncio
import json
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import uvloop

HOST = "127.0.0.1"
WARMING_ROUNDS = 3
"""Rounds that are not counted: the store's Java takes its time to get warm."""


@dataclass(frozen=True)
class Run:
    """Seconds of each answer, seconds in all, and the share of a processor that this process took for asking."""

    taken: list[float]
    seconds: float
    busy: float

    @property
    def rate(self):
        """Answers a second."""
        return len(self.taken) / self.seconds

    @cached_property
    def percentiles(self):
        """The 50th, 95th and 99th in milliseconds."""
        return np.percentile(self.taken, [50, 95, 99]) * 1000


def together(runs):
    """Several runs as one."""
    taken = [second for run in runs for second in run.taken]
    return Run(taken, sum(run.seconds for run in runs), max(run.busy for run in runs))


class Connection:
    """One connection that is kept alive."""

    writer = None

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()

    async def open(self, port):
        self.reader, self.writer = await asyncio.open_connection(HOST, port)

    def close(self):
        self.writer.close()

    async def answer(self, request):
        """Return an answer's status and body."""
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return int(head[9:12]), await self.reader.readexactly(length)

    async def ask(self, request):
        """Take an answer that has no errors."""
        status, body = await self.answer(request)
        if status != 200 or b'"errors":[{' in body.replace(b" ", b""):
            raise SystemExit(f"Not an answer: {status} {body.decode()}")


def request(query, variables=None, token=""):
    body = json.dumps({"query": query, "variables": variables}).encode()
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"POST /graphql HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n{bearer}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def kept_asking(askers, seconds):
    """Let each ask again as soon as it is answered, for so many seconds."""
    taken = []
    started, used = time.perf_counter(), time.process_time()

    async def keep_asking(ask):
        while (at := time.perf_counter()) < started + seconds:
            await ask()
            taken.append(time.perf_counter() - at)

    await asyncio.gather(*map(keep_asking, askers))
    whole = time.perf_counter() - started
    return Run(taken, whole, (time.process_time() - used) / whole)


async def asked(port, requests, connections, seconds):
    """Ask on so many connections, for so many seconds."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(Connection()) for _ in range(connections)]
        for connection in opened:
            await connection.open(port)
        return await kept_asking([lambda own=own: own.ask(next(requests)) for own in opened], seconds)


async def offered(port, requests, rate, seconds):
    """Ask at a steady pace, however long answers take; return each one's status, 0 where none came, and seconds."""
    idle, found = [], []
    started = time.perf_counter()

    async def answered():
        while idle:  # the server closes what was idle for 5 seconds, as clients know
            with suppress(OSError, asyncio.IncompleteReadError):
                return await asked_on(idle.pop())
        connection = Connection()
        await connection.open(port)
        return await asked_on(connection)

    async def asked_on(connection):
        status, _ = await connection.answer(next(requests))
        idle.append(connection)
        return status

    async def one(due):
        status = 0
        with suppress(OSError, asyncio.IncompleteReadError):
            status = await answered()
        found.append((status, time.perf_counter() - due))

    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            due = started + number / rate
            await asyncio.sleep(due - time.perf_counter())
            group.create_task(one(due))
    for connection in idle:
        connection.close()
    return found


def run(main):
    """Run a coroutine on the fastest loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
