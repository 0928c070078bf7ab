"""How a host and the process of a plugin talk: a frame is a head of JSON and a body of bytes.

The host's bodies are pickles. What a plugin's process answers is never unpickled: that would run what a plugin wants.
"""

import json
import socket
import struct
import time
from typing import Any, Final

HEAD: Final = struct.Struct("!IQ")
MOST_HEAD: Final = 1 << 28
MOST_BODY: Final = 1 << 32


def send(to: socket.socket, head: Any, body: bytes = b"") -> None:
    """Send a frame; raises TimeoutError and OSError as the socket does."""
    to.sendall(framed(head, body))


def framed(head: Any, body: bytes = b"") -> bytes:
    """Return a frame; raises TypeError or ValueError where JSON cannot say its head."""
    text = json.dumps(head).encode()
    return HEAD.pack(len(text), len(body)) + text + body


def await_frame(source: socket.socket, deadline: float) -> None:
    """Wait until a frame begins; raises TimeoutError and EOFError as ``receive`` does."""
    source.settimeout(max(deadline - time.monotonic(), 1e-6))
    if not source.recv(1, socket.MSG_PEEK):
        raise EOFError("the other side is gone")


def receive(source: socket.socket, deadline: float | None = None) -> tuple[Any, bytes]:
    """Wait for a frame, until a moment of the monotonic clock if one is given.

    Raises:
        TimeoutError: it did not come whole.
        EOFError: the other side is gone.
        ValueError: it is no frame.
    """
    head_size, body_size = HEAD.unpack(_exactly(source, HEAD.size, deadline))
    if head_size > MOST_HEAD or body_size > MOST_BODY:
        raise ValueError("it answered more than anybody asks for")
    return json.loads(_exactly(source, head_size, deadline)), bytes(_exactly(source, body_size, deadline))


def _exactly(source: socket.socket, size: int, deadline: float | None) -> bytearray:
    got = bytearray(size)
    rest = memoryview(got)
    while rest:
        if deadline is not None:
            source.settimeout(max(deadline - time.monotonic(), 1e-6))
        count = source.recv_into(rest)
        if not count:
            raise EOFError("the other side is gone")
        rest = rest[count:]
    return got
