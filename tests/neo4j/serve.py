"""Run a command with real Neo4j Community servers behind ``NEO4J_URI``: ``python tests/neo4j/serve.py COUNT COMMAND …``.

Maven fetches the server once, into ``build/neo4j``. As many as ``COUNT`` listen on loopback, on free ports, each with
an empty database, all with one random password; they end with the command. ``NEO4J_URI`` has their addresses, with
commas between. Needs Maven and Java 17; exits 3 when Neo4j can't be had.
"""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from neo4j import GraphDatabase
from neo4j.exceptions import DriverError, Neo4jError

HERE = Path(__file__).parent
JARS = HERE.parents[1] / "build" / "neo4j"
START_SECONDS = 90


def fetch() -> None:
    """Bring the server's jars from Maven Central, unless they are there already."""
    if (JARS / "complete").exists():
        return
    subprocess.run(
        ["mvn", "-q", "-B", "-f", HERE / "pom.xml", "dependency:copy-dependencies", f"-DoutputDirectory={JARS}"],
        check=True,
        stdout=sys.stderr,
    )
    (JARS / "complete").touch()


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def started(home: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Yield a Neo4j that starts with this home, and the address that it will have."""
    bolt_port = free_port()
    (home / "conf").mkdir(parents=True)
    (home / "conf" / "neo4j.conf").write_text(
        f"server.default_listen_address=127.0.0.1\nserver.bolt.listen_address=127.0.0.1:{bolt_port}\n"
        "server.http.enabled=false\nserver.memory.pagecache.size=256m\ndbms.usage_report.enabled=false\n"
    )
    with (home / "output").open("wb") as output:
        server = subprocess.Popen(
            ["java", "-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{JARS}/*",
             "org.neo4j.server.CommunityEntryPoint", f"--home-dir={home}", f"--config-dir={home / 'conf'}"],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield server, f"bolt://127.0.0.1:{bolt_port}"
    except SystemExit:
        sys.stderr.write((home / "output").read_text())
        raise
    finally:
        server.terminate()
        server.wait()


@contextmanager
def running(folder: Path, count: int) -> Iterator[dict[str, str]]:
    """Yield the environment that names as many servers, which start together."""
    password = secrets.token_urlsafe(16)
    with ExitStack() as servers:
        starting = [servers.enter_context(started(folder / str(number))) for number in range(count)]
        for server, uri in starting:
            set_password(server, uri, password)
        uris = ",".join(uri for _, uri in starting)
        yield {"NEO4J_URI": uris, "NEO4J_USERNAME": "neo4j", "NEO4J_PASSWORD": password, "NEO4J_DATABASE": "neo4j"}


def set_password(server: "subprocess.Popen[bytes]", uri: str, password: str) -> None:
    """Replace the initial password as soon as the server answers."""
    deadline = time.monotonic() + START_SECONDS
    last: Exception | None = None
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with (
                GraphDatabase.driver(uri, auth=("neo4j", "neo4j")) as driver,
                driver.session(database="system") as system,
            ):
                system.run("ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $new", new=password).consume()
        except (DriverError, Neo4jError) as error:
            last = error
            time.sleep(0.5)
        else:
            return
    sys.stderr.write(f"Neo4j did not start: {last}\n")
    sys.exit(3)


def main() -> int:
    """Run the command line's command beside its servers and return its exit code."""
    count, *command = sys.argv[1:]
    try:
        fetch()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"Neo4j cannot be fetched: {error}\n")
        return 3
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), int(count)) as environment:
        return subprocess.run(command, env=os.environ | environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
