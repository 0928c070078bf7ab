"""The store that tests share: a real ArcadeDB in a process of its own."""

import secrets
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from graph.store import Store

SERVER = Path(__file__).parent / "graph" / "arcadedb.py"
PASSWORD = secrets.token_hex(16)


@pytest.fixture(scope="session")
def bolt_uri(tmp_path_factory):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("arcadedb")
    with (
        (folder / "output").open("wb") as log,
        subprocess.Popen(
            [sys.executable, str(SERVER), str(folder), str(port), PASSWORD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
            text=True,
        ) as server,
    ):
        assert server.stdout is not None
        for line in server.stdout:
            if line.strip().endswith("ready"):
                break
        else:
            pytest.fail((folder / "output").read_text())
        yield f"bolt://127.0.0.1:{port}"
        server.communicate()


@pytest.fixture(scope="session")
async def store(bolt_uri):
    async with Store(bolt_uri, "root", PASSWORD, "bank") as opened:
        yield opened


@pytest.fixture
async def empty_store(store):
    await store.write("MATCH (n) DETACH DELETE n")
    return store
