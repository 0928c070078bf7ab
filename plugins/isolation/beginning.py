"""How the process of a plugin begins: from then on it ends with its host, whatever it does; then it loads all it needs.

A process that Python forks of it ends with it. Only Linux can do so; elsewhere it ends at the end of the connection, or
of the time that a call has.
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
    _end_with_parent()
    os.register_at_fork(after_in_child=_end_with_parent)
    if os.getppid() == int(host):
        from plugins.isolation.working import serve  # its libraries take long to import

        for library in libraries:
            importlib.import_module(library)
        serve(int(descriptor), int(memory_mb))
    os._exit(0)  # threads that a plugin leaves behind would be waited for


def _end_with_parent() -> None:
    """Have this process killed when the thread that began it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
