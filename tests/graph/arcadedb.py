"""Runs an ArcadeDB with a Bolt endpoint until standard input closes: ``arcadedb.py FOLDER PORT PASSWORD``."""

import socket
import sys

from arcadedb_embedded import ArcadeDBServer

folder, port, password = sys.argv[1:]
with socket.create_server(("127.0.0.1", 0)) as free:
    http_port = free.getsockname()[1]
server = ArcadeDBServer(
    root_path=folder,
    root_password=password,
    config={
        "server_plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
        "bolt_port": int(port),
        "http_port": http_port,
        "host": "127.0.0.1",
    },
)
server.start()
server.create_database("bank")
print("ready", flush=True)
sys.stdin.read()
server.stop()
