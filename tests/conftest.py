"""The store that the tests of a process share: the embedded one, or with ``--store=neo4j`` its own Neo4j of ``NEO4J_URI``."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from graph import embedded, tables
from graph.migrations import migrate
from graph.store import Store
from plugins.isolation import budgets
from tests.waiting import PATIENCE, wait_until

LONGEST = (
    "test_removal", "test_plugins_command", "test_serve", "test_workers", "test_hindsight", "test_plugin_evaluate",
    "test_artefact", "test_jobs", "test_bad_input", "test_plugin_commands", "test_audit", "test_trial",
    "test_plugin_stages", "test_learning", "test_prospects", "test_plugin_checks", "test_score_cards", "test_wrong_use",
    "test_data_protection", "test_comparing", "test_fuzz", "test_promotion", "test_held_together", "test_training_stages",
    "test_life_events", "test_berka", "test_permissions", "test_churn", "test_evaluate", "test_training", "test_demo",
    "test_check_apart",
)  # fmt: skip
"""Files that take the most time, which are begun with: one begun last would leave all processes but its own idle."""

TASKS = Path("/proc/self/task")
IN_SERVICE = budgets.BUDGET_SECONDS


def pytest_addoption(parser):
    parser.addoption("--store", choices=["embedded", "neo4j"], default="embedded", help="the store that tests run on")


def pytest_configure():
    # A store of a test lives for seconds, in which Java's second compiler and its threads cost more than they bring.
    os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    # What a shell starts in the background ignores Ctrl-C, and so would every command that a test starts and interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config, items):
    """Begin with the longest; on Neo4j, leave out what is about the embedded store, or uses no store at all."""
    if config.getoption("--store") == "neo4j":
        elsewhere = [item for item in items if item.get_closest_marker("embedded") or "login" not in item.fixturenames]
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in elsewhere]
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


def process_number():
    """The number of this process among those that run tests, from 0."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@pytest.fixture(autouse=True)
def budget(monkeypatch):
    """Return a function that sets how many seconds a plugin has; at first so many that it is not late on a busy machine."""
    monkeypatch.setattr(budgets, "BUDGET_SECONDS", PATIENCE)
    return lambda seconds: monkeypatch.setattr(budgets, "BUDGET_SECONDS", seconds)


@pytest.fixture
def hurried(budget):
    """Plugins have as much time as they have in service."""
    budget(IN_SERVICE)


@pytest.fixture(scope="module", autouse=True)
def nothing_runs_on():
    """Fail a module that leaves a thread which works on: it would slow down whatever this process tests after it."""
    yield
    if TASKS.exists():  # Linux alone tells of each thread
        wait_until(threads_at_work, lambda left_at_work: not left_at_work)


def threads_at_work():
    """The names of other threads that have a processor, or wait for one, most of some milliseconds."""
    others = {str(thread.native_id): thread.name for thread in threading.enumerate()}
    before, begun = spent(), time.monotonic_ns()
    time.sleep(0.02)
    most = (time.monotonic_ns() - begun) / 2
    return [others[task] for task, now in spent().items() if task in others and now - before.get(task, now) > most]


def spent():
    """How many nanoseconds each thread of this process has had a processor, or waited for one."""
    found = {}
    for task in TASKS.iterdir():
        with suppress(OSError):  # it has ended
            has_run, has_waited, _ = map(int, (task / "schedstat").read_text().split())
            found[task.name] = has_run + has_waited
    return found


@pytest.fixture(scope="session", autouse=True)
def types_known(tmp_path_factory):
    """What mypy finds out of libraries when the first plugin is checked, it has for every further one of this process."""
    os.environ["MYPY_CACHE_DIR"] = str(tmp_path_factory.mktemp("mypy"))


@pytest.fixture(scope="session")
def login(request, tmp_path_factory):
    """Address, user, password and database of the store under test."""
    if request.config.getoption("--store") == "neo4j":
        uri = os.environ["NEO4J_URI"].split(",")[process_number()]
        yield uri, *(os.environ[name] for name in ("NEO4J_USERNAME", "NEO4J_PASSWORD", "NEO4J_DATABASE"))
        return
    with embedded.join(tmp_path_factory.mktemp("home")) as lease:
        yield lease.uri, lease.username, lease.password, lease.database


@pytest.fixture(scope="session")
async def store(login):
    async with Store(*login) as opened:
        await opened.write("MATCH (n) DETACH DELETE n")
        await migrate(opened)
        yield opened


@pytest.fixture
async def empty_store(store):
    await tables.empty(store)
    return store


class RedisServer:
    """A Redis on a port of loopback that keeps nothing; it can be killed and started again."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(["redis-server", *arguments], stdout=subprocess.PIPE, text=True)
        said = []
        for line in self.process.stdout:
            said.append(line)
            if "Ready to accept connections" in line:
                return
        pytest.fail("redis-server did not start:\n" + "".join(said))

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def redis_server():
    if shutil.which("redis-server") is None and not os.environ.get("CI"):
        pytest.skip("redis-server is not installed")
    server = RedisServer()
    yield server
    server.kill()


@pytest.fixture
def serving_pid():
    """Return a function: the process that holds a store folder's ``serving`` lock, as the kernel lists it."""

    def find(folder):
        inode = folder.serving.stat().st_ino
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if fields[1] == "FLOCK" and fields[5].endswith(f":{inode}"):
                return int(fields[4])
        return None

    return find


@pytest.fixture(scope="session")
def dump():
    """Return a function: all that a store has but its schema and the audit log, in an order of its own."""
    unlogged = "none(label IN labels(n) WHERE label IN ['Migration', 'AuditChain', 'AuditEntry'])"

    async def read(store):
        nodes = await store.read(f"MATCH (n) WHERE {unlogged} RETURN labels(n) AS labels, properties(n) AS own")
        edges = await store.read(
            "MATCH (n)-[r]->(m) RETURN type(r) AS kind, properties(r) AS own, properties(n) AS start, properties(m) AS end"
        )
        return sorted(map(str, nodes)), sorted(map(str, edges))

    return read
