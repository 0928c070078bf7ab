"""Joins the embedded store: one process for a home, however many guanxi commands use it.

Three lock files in ``HOME/store`` say who lives, and the kernel lets go of a lock when its holder dies, however
it dies: ``joining`` lets one command at a time look and start; ``serving`` is held by the store's process;
``users`` is shared by all who use it, and the store stops once it can have that lock for itself.
"""

import fcntl
import importlib.util
import json
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graph.errors import SettingsError, StoreUnavailable

USERNAME: Final = "root"
DATABASE: Final = "bank"
MOST_STARTS: Final = 3
"""Another process may take a port between its being found free and its being bound."""
START_SECONDS: Final = 60.0
END_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.05
BOLT_HANDSHAKE: Final = bytes.fromhex("6060b017 00000404 00000000 00000000 00000000")


@dataclass(frozen=True, slots=True)
class EmbeddedLease:
    """Where the running store answers; valid while the ``join`` that gave it is open."""

    uri: str
    username: str
    password: str
    database: str


@dataclass(frozen=True, slots=True)
class StoreFolder:
    """The files by which the store's process and its users find each other."""

    path: Path

    @property
    def joining(self) -> Path:
        """Locked by the command that is looking for the store or starting it."""
        return self.path / "joining"

    @property
    def serving(self) -> Path:
        """Locked by the store's process as long as it lives."""
        return self.path / "serving"

    @property
    def users(self) -> Path:
        """Locked, shared, by every user."""
        return self.path / "users"

    @property
    def password(self) -> Path:
        """The store's random password, for this user's eyes only."""
        return self.path / "password"

    @property
    def address(self) -> Path:
        """The Bolt port of the running store, as JSON; written when it is ready."""
        return self.path / "address"

    @property
    def data(self) -> Path:
        """The database itself."""
        return self.path / "data"

    @property
    def log(self) -> Path:
        """What the store's process prints."""
        return self.path / "log.txt"


def is_installed() -> bool:
    """Whether this environment has the embedded store."""
    return importlib.util.find_spec("arcadedb_embedded") is not None


def is_there(home: Path) -> bool:
    """Whether the home has a store that can be joined, running or not."""
    return is_installed() and StoreFolder(home / "store").data.exists()


@contextmanager
def join(home: Path) -> Iterator[EmbeddedLease]:
    """Use the home's store, starting it where none runs; it stops soon after its last user's end.

    Raises:
        SettingsError: the store is not installed, or the home cannot be written.
        StoreUnavailable: the store did not start; the text names its log.
    """
    if not is_installed():
        raise SettingsError("The embedded store is not installed: pip install 'guanxi[embedded]', or set NEO4J_URI.")
    folder = StoreFolder(home.absolute() / "store")
    with ExitStack() as held:
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
            with locked(folder.joining, fcntl.LOCK_EX):
                held.enter_context(locked(folder.users, fcntl.LOCK_SH))
                password = _password(folder.password)
                port = _port_of_running_store(folder)
        except OSError as error:
            raise SettingsError(f"GUANXI_HOME {home} cannot be written: {error.strerror}.") from error
        yield EmbeddedLease(f"bolt://127.0.0.1:{port}", USERNAME, password, DATABASE)


@contextmanager
def locked(path: Path, operation: int) -> Iterator[None]:
    """Hold a lock on a file, waiting for it unless ``operation`` has LOCK_NB, which raises BlockingIOError."""
    descriptor = lock(path, operation)
    try:
        yield
    finally:
        os.close(descriptor)


def lock(path: Path, operation: int) -> int:
    """Take a lock that is held until its file descriptor, which is returned, is closed or this process has ended."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, operation)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_serving(folder: StoreFolder) -> bool:
    """Whether a store's process lives."""
    try:
        with locked(folder.serving, fcntl.LOCK_EX | fcntl.LOCK_NB):
            return False
    except BlockingIOError:
        return True


def _password(path: Path) -> str:
    if not path.exists():
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24))
        fresh.replace(path)
    return path.read_text()


def _port_of_running_store(folder: StoreFolder) -> int:
    started, starts = None, 0
    deadline = time.monotonic() + START_SECONDS
    try:
        while time.monotonic() < deadline:
            if folder.address.exists():
                port = int(json.loads(folder.address.read_text())["bolt_port"])
                if _answers(port):
                    return port
            if started is not None and os.waitpid(started, os.WNOHANG) != (0, 0):
                started = None
            if started is None and not is_serving(folder):
                if starts == MOST_STARTS:
                    break
                folder.address.unlink(missing_ok=True)
                started, starts = _start(folder), starts + 1
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        if started is not None:
            _end(started)
        raise
    raise StoreUnavailable(f"The embedded store did not start; {folder.log} says why.")


def _end(started: int) -> None:
    """End a store's process that nobody uses yet, so that it writes no more."""
    with suppress(ProcessLookupError):
        os.kill(started, signal.SIGTERM)
        deadline = time.monotonic() + END_SECONDS
        while os.waitpid(started, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                os.kill(started, signal.SIGKILL)
            time.sleep(POLL_SECONDS)


def _answers(port: int) -> bool:
    """Whether a Bolt handshake is answered; a dying process still accepts connections, but says nothing."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(BOLT_HANDSHAKE)
            return len(connection.recv(4)) == 4
    except OSError:
        return False


def _start(folder: StoreFolder) -> int:
    """Start the store's process, away from this terminal, and return its process id."""
    log = (os.POSIX_SPAWN_OPEN, 1, str(folder.log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", "graph.embedded_server", str(folder.path)],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), log, (os.POSIX_SPAWN_DUP2, 1, 2)],
        setsid=True,
    )
