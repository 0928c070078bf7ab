"""Takes the port that a server will listen on, or says why it cannot be had."""

import socket

from graph.errors import GuanxiError


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        GuanxiError: the address or port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        why = str(error.strerror).partition(" (")[0]  # socket adds the address once more
        raise GuanxiError(f"{host}:{port} cannot be listened on: {why}. Try another --port.") from error
    listener.set_inheritable(True)
    return listener
