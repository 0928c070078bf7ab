"""A small bank in the store, and the application serving it on loopback to real clients."""

import asyncio
import io
import json
import logging
import socket
import sys
from contextlib import asynccontextmanager, nullcontext
from datetime import date
from types import SimpleNamespace

import httpx
import pytest
import uvicorn
from websockets.asyncio.client import connect

from api.app import UVICORN, Wiring, alone, create_app
from api.limits import Limits
from api.logs import log_to_stderr
from api.roles import Role
from api.tokens import TokenRules
from api.trail import Trail
from api.webhooks.rules import WebhookRules
from graph.audit import AuditLog
from graph.audit_entries import AuditKey
from graph.imports import import_rows
from plugins.host import PluginHost
from tests.waiting import PATIENCE, until

SECRET = "the secret that signs the tests' tokens"
AUDIT_SECRET = "the secret of the tests' audit log"
EASY = Limits(
    client_rate=1e6, token_rate=1e6, concurrent=1_000, sockets=1_000, seconds=PATIENCE, waiting_seconds=PATIENCE
)
"""The limits of documents, none of how often the tests ask, and time enough on a busy machine."""
STILL = WebhookRules(SECRET, poll=3_600)
"""Webhooks are sent at a server's start alone."""
RULES = TokenRules("HS256", "guanxi", "guanxi", SECRET, leeway=0)

PRODUCTS = {
    "CURRENT": {"name": "Current account", "name_zh": "活期账户", "category": "deposit", "margin": 20.0},
    "CARD": {
        "name": "Credit card",
        "category": "card",
        "credit": True,
        "min_age": 18,
        "margin": 180.0,
        "x_issuer": "VISA",
    },
    "FUND": {"name": "Fund", "category": "wealth", "risk_rating": "R4", "margin": 90.0},
    "AUTOPAY": {"name": "Autopay", "category": "payment", "requires": ["CURRENT"], "margin": 25.0},
    "CAMPUS-CARD": {"name": "Campus card", "category": "card", "programme_code": "CAMPUS", "margin": 10.0},
}
KNOWN = {
    "kind": "person", "birth_date": date(1990, 1, 1), "risk_profile": "C3", "credit_limit": 9_000.0,
    "marketing_consent": True, "region": "Yunnan",
}  # fmt: skip
CUSTOMERS = {
    "ANNA": {"name": "Anna", "manager_no": "M1", "language": "en", **KNOWN},
    "BO": {"name": "Bo", "manager_no": "M2", "language": "zh", **KNOWN},
    "CLARA": {"name": "Clara", "manager_no": "M1", "kind": "company"},
    "NOTHING": {"kind": "person"},
}


def row(key, **own):
    return {"key": key, "digest": "d", "properties": own}


async def fill(store):
    await store.write("MATCH (n) WHERE NOT n:Migration DETACH DELETE n")
    await import_rows(store, "partners", [row("UNI", partner_code="UNI", name="Uni", kind="university")])
    await import_rows(
        store,
        "programmes",
        [
            row(
                "CAMPUS",
                programme_code="CAMPUS",
                kind="campus",
                name="Campus",
                partner_code="UNI",
                benefit="Free meals",
            ),
            row("FAMILY", programme_code="FAMILY", kind="family", name="Family"),
        ],
    )
    await import_rows(store, "managers", [row(f"M{n}", manager_no=f"M{n}", name=f"Manager {n}") for n in (1, 2)])
    await import_rows(store, "products", [row(code, product_code=code, **own) for code, own in PRODUCTS.items()])
    many = {f"X{n:02}": {"name": f"Many {n:02}", "kind": "person"} for n in range(60)}
    await import_rows(store, "customers", [row(no, customer_no=no, **own) for no, own in (CUSTOMERS | many).items()])
    held = {f"{no}|CURRENT|": {"customer_no": no, "product_code": "CURRENT"} for no in ["ANNA", "BO", *many]}
    await import_rows(store, "holdings", [row(key, **own) for key, own in held.items()])
    await import_rows(
        store,
        "accounts",
        [row(f"A-{no}", account_no=f"A-{no}", customer_no=no, product_code="CURRENT") for no in ["ANNA", "BO", *many]],
    )
    await import_rows(
        store,
        "cards",
        [row(f"K-{no}-{n}", card_no=f"K-{no}-{n}", customer_no=no) for no in ["ANNA", *many] for n in (1, 2)],
    )
    members = [row(f"{no}|CAMPUS|student", customer_no=no, programme_code="CAMPUS", role="student") for no in ["ANNA", *list(many)[:39]]]  # fmt: skip
    await import_rows(store, "memberships", members)
    await import_rows(
        store, "relations", [row("ANNA|BO|spouse", from_customer_no="ANNA", to_customer_no="BO", kind="spouse")]
    )


def without_cost(answer):
    """An answer but for what it cost."""
    answer.get("extensions", {}).pop("cost", None)
    return {name: value for name, value in answer.items() if value or name != "extensions"}


async def started(app, **options):
    """Serve an application on a free port of loopback; returns the server and its task."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, **UVICORN | options))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started or task.done())
    assert server.started, "the server did not start"
    return server, task


class EventReader:
    """Reads server-sent events off a response."""

    def __init__(self, response):
        self.response = response
        self._lines = response.aiter_lines()

    async def hear(self):
        """The next event's name and data; a comment is an event without a name."""
        name = None
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                field, _, value = line.partition(": ")
                match field:
                    case "event":
                        name = value
                    case "data":
                        data = json.loads(value) if value else None
                    case "" if name:
                        return name, without_cost(data) if data else data
                    case "" if value:
                        return None, value
        return None

    async def told(self, act):
        """What is told first of an act, which is repeated until it is: a subscription has no sign that it began."""
        hearing = asyncio.create_task(self.hear())
        while not hearing.done():
            assert [*(await act())["data"].values()] == [{"errors": []}]
            await asyncio.wait([hearing], timeout=0.1)
        return hearing.result()


def subscribe_by_events(connection, bearer, query):
    body = json.dumps({"query": query})
    connection.sendall(
        f"POST /graphql HTTP/1.1\r\nHost: bank\r\nAccept: text/event-stream\r\nAuthorization: Bearer {bearer}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    )


@asynccontextmanager
async def reading_nothing(server, transport, bearer, query):
    """A client that asks for a stream and reads nothing of it, with as little room for it as the kernel gives."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        connection.connect(("127.0.0.1", server.client.base_url.port))
        if transport == "events":
            subscribe_by_events(connection, bearer, query)
            yield
            return
        async with server.socket(bearer, sock=connection, compression=None, ping_interval=None) as opened:
            await opened.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": query}}))
            opened.transport.pause_reading()
            yield
            opened.transport.abort()


@pytest.fixture(scope="session")
def deaf():
    return reading_nothing


@pytest.fixture(scope="session")
def start():
    return started


@pytest.fixture(scope="session")
def serving(tmp_path_factory):
    """Return a function: an async context of a server over a store, with its address and clients."""

    class Serving:
        def __init__(
            self,
            store,
            host=None,
            *,
            models=None,
            rules=RULES,
            development=True,
            share=alone,
            limits=EASY,
            webhooks=STILL,
            audit_secret=AUDIT_SECRET,
            **options,
        ):
            self.share = share
            self.models = models or tmp_path_factory.mktemp("models")
            host = host or PluginHost.load()
            wiring = Wiring(
                lambda: nullcontext(store),
                host,
                self.models,
                rules,
                SECRET,
                webhooks,
                SECRET,
                audit_secret,
                development=development,
                share=self.shared,
                limits=limits,
                **options,
            )
            self.app = create_app(wiring)

        @asynccontextmanager
        async def shared(self, changes, interactions):
            self.changes, self.interactions = changes, interactions
            async with self.share(changes, interactions):
                yield

        async def __aenter__(self):
            self.server, self.task = await started(self.app)
            port = self.server.servers[0].sockets[0].getsockname()[1]
            self.url, self.socket_url = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/graphql"
            self.client = httpx.AsyncClient(base_url=self.url, timeout=PATIENCE)
            return self

        async def __aexit__(self, *_):
            await self.client.aclose()
            self.server.should_exit = True
            await self.task

        async def post(self, query, bearer=None, headers=None, **variables):
            own = {"Authorization": f"Bearer {bearer}"} if bearer else {}
            return await self.client.post(
                "/graphql", json={"query": query, "variables": variables}, headers=own | (headers or {})
            )

        @asynccontextmanager
        async def socket(self, bearer=None, **options):
            own = {"subprotocols": ["graphql-transport-ws"], "open_timeout": PATIENCE} | options
            async with connect(self.socket_url, **own) as socket:
                if bearer:
                    await socket.send(
                        json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {bearer}"}})
                    )
                    assert json.loads(await socket.recv())["type"] == "connection_ack"
                yield socket

        reader = EventReader

        @asynccontextmanager
        async def listen(self, query, bearer, **variables):
            headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {bearer}"}
            asked = {"query": query, "variables": variables}
            async with self.client.stream("POST", "/graphql", json=asked, headers=headers) as response:
                yield self.reader(response)

        async def ask(self, query, bearer, **variables):
            """Ask, and return the answer without what it cost."""
            return without_cost((await self.post(query, bearer, **variables)).json())

    return Serving


@pytest.fixture(scope="session")
def bearers():
    """One valid token for each role."""
    return SimpleNamespace(
        anna=RULES.issue(Role.CUSTOMER, "ANNA"),
        bo=RULES.issue(Role.CUSTOMER, "BO"),
        nothing=RULES.issue(Role.CUSTOMER, "NOTHING"),
        manager=RULES.issue(Role.RELATIONSHIP_MANAGER, "M1"),
        marketing=RULES.issue(Role.MARKETING),
        partner=RULES.issue(Role.PARTNER, "UNI"),
        admin=RULES.issue(Role.ADMIN),
    )


@pytest.fixture(scope="module")
async def bank(store):
    await fill(store)
    return store


@pytest.fixture(scope="module")
async def server(bank, serving):
    async with serving(bank) as running:
        yield running


@pytest.fixture(scope="session")
def trail_of():
    """Return a function: the way into a store's audit log, as the servers have it."""
    return lambda store: Trail(AuditLog(store, AuditKey(AUDIT_SECRET)))


@pytest.fixture(scope="session")
def rules():
    return RULES


@pytest.fixture
def log(monkeypatch):
    """Log to memory as ``guanxi serve`` does to standard error: call it to begin; ``lines`` are those so far."""

    class Log:
        def __call__(self, *arguments, **options):
            monkeypatch.setattr(sys, "stderr", self.said)
            log_to_stderr(*arguments, **options)

        def __init__(self):
            self.said = io.StringIO()

        def lines(self):
            return self.said.getvalue().splitlines()

    root, own = logging.getLogger(), logging.getLogger("guanxi")
    before = root.handlers[:], root.level, own.level
    yield Log()
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    own.setLevel(before[2])
