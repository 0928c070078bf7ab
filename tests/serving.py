"""``guanxi serve`` as a process."""

import os
import signal
import subprocess
from contextlib import contextmanager

import httpx

from tests.waiting import PATIENCE, wait_until


@contextmanager
def serving(command, *arguments, stderr=None, **settings):
    """A server that is ready, on a free port and in a process group of its own, and its address; killed at the end.

    ``command`` gives the arguments and environment of ``guanxi …``, for ``subprocess``.
    """
    patient = {"GUANXI_LIMIT_SECONDS": str(PATIENCE)}
    with subprocess.Popen(
        **command("serve", "--port", 0, *arguments, **patient | settings),
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
    ) as process:
        try:
            line = process.stdout.readline()
            assert line.endswith("/graphql (stop with Ctrl-C)\n"), line + (process.stderr.read() if stderr else "")
            url = line.split()[2].removesuffix("/graphql")
            wait_until(lambda: is_ready(url))
            yield process, url
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def is_ready(url):
    try:
        return httpx.get(f"{url}/readyz", timeout=PATIENCE).status_code == 200
    except httpx.TransportError:
        return False
