"""How the process of a plugin begins: from then on it ends with its host, whatever it does; then it loads all it needs.

It is not the host's child but that of a guard, which does nothing but wait: as soon as the host, or the process of
the plugin, is gone, or the host asks for it, the guard ends that process and all that it has started, and waits for
their ends, which nobody else might. What forks of it by Python ends with it also where a plugin has ended its guard.
Only Linux can do so; elsewhere all end at the end of the connection, or of the time that a call has.
"""

import ctypes
import importlib
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

PR_SET_PDEATHSIG: Final = 1
PR_SET_CHILD_SUBREAPER: Final = 36
ROUNDS: Final = 100
"""How often a guard looks for what its plugin has started: that may start more and more."""


def main(host: str, descriptor: str, memory_mb: str, *libraries: str) -> None:
    """Serve a host, by its process id, at a socket, until it is gone; ``libraries`` take none of the memory."""
    guard = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    if child := os.fork():
        os.close(int(descriptor))
        _guard(int(host), child)
    _end_with_parent(signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    os.register_at_fork(after_in_child=lambda: _end_with_parent(signal.SIGKILL))
    if os.getppid() == guard:
        from plugins.isolation.working import serve  # its libraries take long to import

        for library in libraries:
            importlib.import_module(library)
        serve(int(descriptor), int(memory_mb))
    os._exit(0)  # threads that a plugin leaves behind would be waited for


def _guard(host: int, child: int) -> None:
    """Wait for the end of the host, or of the plugin's process; then end all, this process too."""
    signal.signal(signal.SIGTERM, lambda *_: _end(child))
    _end_with_parent(signal.SIGTERM)
    _control(PR_SET_CHILD_SUBREAPER, 1)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    if os.getppid() == host:
        while os.wait()[0] != child:
            pass
    _end(child)


def _end(child: int) -> None:
    """End a child, what becomes this process's child by that, and so on; then what is left of the group."""
    left = [child]
    for _ in range(ROUNDS):
        for pid in left:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        if not (left := _children()):
            break
    os.killpg(0, signal.SIGKILL)


def _children() -> list[int]:
    """The ids of this process's children; none where the system does not tell."""
    told = Path(f"/proc/self/task/{os.getpid()}/children")
    return list(map(int, told.read_text().split())) if told.exists() else []


def _end_with_parent(by: signal.Signals) -> None:
    """Have this process sent a signal when the thread that began it ends."""
    _control(PR_SET_PDEATHSIG, by)


def _control(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)


if __name__ == "__main__":
    main(*sys.argv[1:])
