"""Runs asynchronous functions for synchronous code: in a loop of its own, in a thread that Python does not wait for."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import anyio
from anyio.from_thread import BlockingPortal


@contextmanager
def daemon_portal(name: str) -> Iterator[BlockingPortal]:
    """Yield a portal as anyio's ``start_blocking_portal`` does; it works for what is run at exit, too."""
    came = Future[BlockingPortal]()

    async def serve() -> None:
        async with BlockingPortal() as portal:
            came.set_result(portal)
            await portal.sleep_until_stopped()

    thread = threading.Thread(target=anyio.run, args=(serve,), name=name, daemon=True)
    thread.start()
    portal = came.result()
    try:
        yield portal
    finally:
        portal.call(portal.stop)
        thread.join()
