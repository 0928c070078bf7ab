"""The process of the embedded store: ``python -m graph.embedded_server FOLDER``.

It listens on loopback only, and stops within seconds once nobody holds the ``users`` lock.
"""

import fcntl
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Final

from arcadedb_embedded import ArcadeDBServer

from graph.embedded import DATABASE, StoreFolder, lock

POLL_SECONDS: Final = 0.5


def serve(folder: StoreFolder) -> None:
    """Run the store until its last user has gone or a signal asks it to stop."""
    os.chdir(folder.path)  # ArcadeDB keeps a log of its own in the working folder
    lock(folder.serving, fcntl.LOCK_EX)
    bolt_port, http_port = _ports(folder)
    server = ArcadeDBServer(
        root_path=str(folder.data),
        root_password=folder.password.read_text(),
        config={
            "server_plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
            "bolt_port": bolt_port,
            "http_port": http_port,
            "host": "127.0.0.1",
        },
    )
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        if not (folder.data / "databases" / DATABASE).exists():
            server.create_database(DATABASE)
        _publish(folder, bolt_port, http_port)
        _wait_for_last_user(folder)
    finally:
        folder.address.unlink(missing_ok=True)
        server.stop()


def _wait_for_last_user(folder: StoreFolder) -> None:
    while True:
        try:
            # Held until this process has ended, so that whoever joins now waits and then starts a new one.
            lock(folder.users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(POLL_SECONDS)
        else:
            return


def _publish(folder: StoreFolder, bolt_port: int, http_port: int) -> None:
    ports = json.dumps({"bolt_port": bolt_port, "http_port": http_port})
    (folder.path / "ports").write_text(ports)
    fresh = folder.address.with_suffix(".new")
    fresh.write_text(ports)
    fresh.replace(folder.address)


def _ports(folder: StoreFolder) -> tuple[int, int]:
    """Return the ports of the last run where they are free, so that open connections find the store again."""
    try:
        last = json.loads((folder.path / "ports").read_text())
        wanted = last["bolt_port"], last["http_port"]
    except (FileNotFoundError, ValueError, KeyError):
        wanted = 0, 0
    bolt_port, http_port = (_free(port) for port in wanted)
    return bolt_port, http_port


def _free(port: int) -> int:
    try:
        with socket.create_server(("127.0.0.1", port)) as listener:
            return int(listener.getsockname()[1])
    except OSError:
        return _free(0)


if __name__ == "__main__":
    serve(StoreFolder(Path(sys.argv[1])))
