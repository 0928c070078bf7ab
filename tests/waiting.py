"""Waiting for what must come, with patience for a busy machine."""

import asyncio
import time
from inspect import isawaitable

PATIENCE = 60
"""Seconds: what has not come by then is taken never to come."""


def wait_until(check, holds=bool, *, every=0.02):
    """What ``check`` gives, once it holds."""
    __tracebackhide__ = True
    deadline = time.monotonic() + PATIENCE
    while not holds(found := check()):
        if time.monotonic() > deadline:
            raise in_vain(found)
        time.sleep(every)
    return found


async def until(check, holds=bool, *, every=0.02):
    """What ``check`` gives, now or once it is awaited, as soon as it holds."""
    __tracebackhide__ = True
    found = None
    try:
        async with asyncio.timeout(PATIENCE) as patience:
            while True:
                given = check()
                found = await given if isawaitable(given) else given
                if holds(found):
                    return found
                await asyncio.sleep(every)
    except TimeoutError:
        if not patience.expired():
            raise
        raise in_vain(found) from None


def in_vain(found):
    return AssertionError(f"waited {PATIENCE} seconds in vain; at last it was {found!r:.1000}")
