"""Runs asynchronous functions for synchronous code: in a loop of its own, in a thread that Python does not wait for."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from typing import Any, Final, Generic, TypeVar

from plugins.isolation.waiting import result_of

T = TypeVar("T")

END_SECONDS: Final = 3.0
"""How long is waited for a loop that shall end; what runs there without a pause cannot be stopped: it is left."""


class Portal(Generic[T]):
    """A loop that holds something open, and runs what it is called with.

    Attributes:
        held: what is open.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, held: T) -> None:
        self._loop = loop
        self.held = held

    def call(self, work: Callable[..., Awaitable[Any]], *arguments: object) -> Any:
        """Wait for an asynchronous function; whoever is interrupted while he waits has it cancelled.

        Raises:
            RuntimeError: the loop has ended, or is the caller's own.
        """
        if self._loop.is_closed() or asyncio._get_running_loop() is self._loop:
            raise RuntimeError("The loop has ended, or would wait for itself.")
        running = asyncio.run_coroutine_threadsafe(_awaited(work, arguments), self._loop)
        try:
            return result_of(running)
        except BaseException:
            running.cancel()
            raise


@contextmanager
def daemon_portal(name: str, opening: AbstractAsyncContextManager[T]) -> Iterator[Portal[T]]:
    """Yield a loop with something open in it; it works for what is run at exit, too. Ctrl-C ends each wait for it."""
    begun, came = Future[tuple[asyncio.AbstractEventLoop, Any]](), Future[Portal[T]]()

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        begun.set_result((loop, asyncio.current_task(loop)))
        try:
            async with opening as held:
                came.set_result(Portal(loop, held))
                await loop.create_future()  # until it is cancelled
        except BaseException as error:
            if came.done():
                raise
            came.set_exception(error)

    def work() -> None:
        try:
            asyncio.run(serve())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            if begun.done():
                raise
            begun.set_exception(error)  # there is no loop: of too many open files, say

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        result_of(begun)
        yield result_of(came)
    finally:
        if begun.done() and begun.exception() is None:
            loop, serving = begun.result()
            with suppress(RuntimeError):  # it has ended
                loop.call_soon_threadsafe(serving.cancel)
        thread.join(END_SECONDS)


async def _awaited(work: Callable[..., Awaitable[Any]], arguments: tuple[object, ...]) -> Any:
    return await work(*arguments)
