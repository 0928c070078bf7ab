"""The servers that are measured, each a process of its own, and the bank that they serve."""

import multiprocessing
import os
import secrets
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clients import HOST

from api.tokens import TokenRules
from graph import embedded
from guanxi.listening import listening
from guanxi.settings import Settings
from plugins.samples import write_sample

UNHURRIED = {
    "GUANXI_LIMIT_SECONDS": "300",
    "GUANXI_LIMIT_WAITING_SECONDS": "300",
    "GUANXI_LIMIT_CONCURRENT": "1000",
    "GUANXI_LIMIT_CLIENT_RATE": "1000000",
    "GUANXI_LIMIT_TOKEN_RATE": "1000000",
}
"""Of a server that turns nobody away, however slow the machine and however few users ask."""


@dataclass(frozen=True)
class Bank:
    """A sample bank, loaded and trained.

    Attributes:
        login: URI, user, password and database of its store.
        environment: of the commands that use it.
        rules: of its tokens.
        audit_secret: of its audit log, which was begun with it.
    """

    login: tuple[str, str, str, str]
    environment: dict[str, str]
    home: Path
    rules: TokenRules
    audit_secret: str


@contextmanager
def sample_bank(customers):
    """Yield a sample bank in an embedded store of its own, or in the Neo4j of ``NEO4J_URI``, which should be empty."""
    secret = secrets.token_urlsafe(32)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        home = Path(name) / "home"
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("GUANXI_")}
        environment = inherited | {"GUANXI_HOME": str(home), "GUANXI_JWT_SECRET": secret}
        write_sample(Path(name) / "bank", customers, 1)
        with login_of(home) as login:
            for arguments in (["load", str(Path(name) / "bank")], ["train"]):
                command = [sys.executable, "-m", "guanxi", *arguments]
                subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
            audit = (home / "audit.secret").read_text()
            yield Bank(login, environment, home, TokenRules("HS256", "guanxi", "guanxi", secret), audit)


@contextmanager
def login_of(home):
    """Yield how to reach the store."""
    given = Settings()
    if given.neo4j_uri is not None:
        yield given.neo4j_uri, given.neo4j_username, given.neo4j_password.get_secret_value(), given.neo4j_database
        return
    with embedded.join(home) as lease:
        yield lease.uri, lease.username, lease.password, lease.database


@contextmanager
def guanxi(environment):
    """Yield the port and process id of ``guanxi serve``, whose log goes nowhere."""
    command = [sys.executable, "-m", "guanxi", "serve", "--port", "0"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            yield int(server.stdout.readline().partition("/graphql")[0].rpartition(":")[2]), server.pid
        finally:
            server.terminate()


@contextmanager
def process(target, *arguments):
    """Yield the port and id of a process whose main function, given a listener and the arguments, serves."""
    with listening(HOST, 0) as listener:
        running = multiprocessing.get_context("spawn").Process(target=target, args=(listener, *arguments))
        running.start()
        try:
            yield listener.getsockname()[1], running.pid
        finally:
            running.terminate()
            running.join()


def processor_seconds(process):
    """Return the processor time that a process has taken so far; of Linux."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
