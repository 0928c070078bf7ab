"""How the process of a plugin begins: from then on it ends with its host, whatever it does; then it loads all it needs.

It is not the host's child but that of a guard, which does nothing but wait: as soon as the host, or the process of the
plugin, is gone, the guard ends all that is in their group, so what the plugin has started goes with it. What forks of
it by Python ends with it also where a plugin has ended its guard. Only Linux can do so; elsewhere all end at the end of
the connection, or of the time that a call has.
"""

import ctypes
import importlib
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1


def main(host: str, descriptor: str, memory_mb: str, *libraries: str) -> None:
    """Serve a host, by its process id, at a socket, until it is gone; ``libraries`` take none of the memory."""
    guard = os.getpid()
    if os.fork():
        os.close(int(descriptor))
        _guard(int(host))
    _end_with_parent(signal.SIGKILL)
    os.register_at_fork(after_in_child=lambda: _end_with_parent(signal.SIGKILL))
    if os.getppid() == guard:
        from plugins.isolation.working import serve  # its libraries take long to import

        for library in libraries:
            importlib.import_module(library)
        serve(int(descriptor), int(memory_mb))
    os._exit(0)  # threads that a plugin leaves behind would be waited for


def _guard(host: int) -> None:
    """Wait for the end of the host, or of the one child; then end the whole group, this process with it."""
    signal.signal(signal.SIGTERM, _end_group)
    _end_with_parent(signal.SIGTERM)
    if os.getppid() == host:
        os.wait()
    _end_group()


def _end_group(*_: object) -> None:
    os.killpg(0, signal.SIGKILL)


def _end_with_parent(by: signal.Signals) -> None:
    """Have this process sent a signal when the thread that began it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, by)


if __name__ == "__main__":
    main(*sys.argv[1:])
