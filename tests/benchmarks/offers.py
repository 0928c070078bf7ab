"""Offers over HTTP: ``guanxi serve`` beside a bare Strawberry field that does one Bolt read, at 16 connections.

Both are server processes of their own, on starlette, uvicorn and the same embedded store; this process asks them in
turn, over raw HTTP/1.1 with connections kept alive. A phone's question is asked with its owner's token, of one customer
after the other.

guanxi      the owner's three offers with their ids, names and reasons
bare        the customer's name by his number: no token, no limits, no decision
bare whole  the same field, reading all that the engine reads of a customer

    python tests/benchmarks/offers.py [--customers 2000] [--connections 16] [--seconds 5] [--rounds 3]
"""

import argparse
import asyncio
import itertools
import json
import multiprocessing
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import numpy as np
import strawberry
import uvicorn
from neo4j import AsyncGraphDatabase, RoutingControl
from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL

from api.roles import Role
from api.tokens import TokenRules
from graph import customers as customers_of
from graph import embedded
from graph.store import Store
from guanxi.listening import listening
from loaders.sample import write_sample

HOST = "127.0.0.1"
WARMING_ROUNDS = 3
OFFERS = "{ viewer { customer { offers { id product { name } reasons } } } }"
NAME = "query ($no: String!) { name(customerNo: $no) }"
POINT = "MATCH (c:Customer {customer_no: $customer_no}) RETURN c {.name} AS customer"


def serve_barely(listener, uri, username, password, database, cypher):
    """Run the bare server; the process's main function."""
    driver = AsyncGraphDatabase.driver(uri, auth=(username, password))

    @strawberry.type
    class Query:
        @strawberry.field
        async def name(self, customer_no: str) -> str | None:
            found = await driver.execute_query(
                cypher,
                customer_no=customer_no,
                customer_nos=[customer_no],
                kin=customers_of.KIN,
                database_=database,
                routing_=RoutingControl.READ,
            )
            return found.records[0]["customer"].get("name")

    app = Starlette(routes=[Route("/graphql", GraphQL(strawberry.Schema(Query)))])
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


@contextmanager
def bare(lease, cypher):
    """Yield the port of a bare server."""
    with listening(HOST, 0) as listener:
        login = (lease.uri, lease.username, lease.password, lease.database)
        server = multiprocessing.get_context("spawn").Process(target=serve_barely, args=(listener, *login, cypher))
        server.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.terminate()
            server.join()


@contextmanager
def guanxi(environment):
    """Yield the port of ``guanxi serve``."""
    command = [sys.executable, "-m", "guanxi", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield int(server.stdout.readline().partition("/graphql")[0].rpartition(":")[2])
        finally:
            server.terminate()


class Connection:
    """One connection that is kept alive."""

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.writer.close()

    async def open(self, port):
        self.reader, self.writer = await asyncio.open_connection(HOST, port)

    async def ask(self, request):
        """Return the seconds until the answer was whole."""
        started = time.perf_counter()
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await self.reader.readexactly(length)
        seconds = time.perf_counter() - started
        if not head.startswith(b"HTTP/1.1 200 ") or b'"errors"' in body:
            raise SystemExit(f"Not an answer: {head.decode()}{body.decode()}")
        return seconds


def request(query, variables=None, token=""):
    body = json.dumps({"query": query, "variables": variables}).encode()
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"POST /graphql HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n{bearer}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def asked(port, requests, connections, seconds):
    """Ask for so many seconds; return each answer's seconds, and the seconds it took in all."""
    taken = []
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(Connection()) for _ in range(connections)]
        for connection in opened:
            await connection.open(port)
        started = time.perf_counter()

        async def keep_asking(connection):
            while time.perf_counter() < started + seconds:
                taken.append(await connection.ask(next(requests)))

        await asyncio.gather(*map(keep_asking, opened))
    return taken, time.perf_counter() - started


async def measure(lease, environment, rules, connections, seconds, rounds):
    async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
        numbers = [number async for page in customers_of.pages(store, 1_000) for number in page]
    phones = itertools.cycle([request(OFFERS, token=rules.issue(Role.CUSTOMER, number)) for number in numbers])
    names = itertools.cycle([request(NAME, {"no": number}) for number in numbers])
    results = {name: [] for name in ("bare", "guanxi", "bare whole")}
    with bare(lease, POINT) as point, guanxi(environment) as own, bare(lease, customers_of.WHOLE) as whole:
        ways = {"bare": (point, names), "guanxi": (own, phones), "bare whole": (whole, names)}
        for number in range(-WARMING_ROUNDS, rounds):  # the store's Java takes its time to get warm
            for name, (port, requests) in ways.items():
                found = await asked(port, requests, connections, seconds)
                if number >= 0:
                    results[name].append(found)
    return results


def main(customers, connections, seconds, rounds):
    secret = secrets.token_urlsafe(32)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        home = Path(name) / "home"
        given = {"GUANXI_HOME": str(home), "GUANXI_JWT_SECRET": secret}
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("NEO4J_", "GUANXI_"))
        } | given
        write_sample(Path(name) / "bank", customers, 1)
        with embedded.join(home) as lease:
            for arguments in (["load", str(Path(name) / "bank")], ["train"]):
                command = [sys.executable, "-m", "guanxi", *arguments]
                subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
            rules = TokenRules("HS256", "guanxi", "guanxi", secret)
            report(asyncio.run(measure(lease, environment, rules, connections, seconds, rounds)), connections)


def report(results, connections):
    table = Table("median of rounds", "requests a second", "ratio to bare", "p50 ms", "p95 ms", "p99 ms",
                  title=f"offers at {connections} connections")  # fmt: skip
    rates = {name: statistics.median(len(taken) / whole for taken, whole in found) for name, found in results.items()}
    for name, found in results.items():
        percentiles = np.percentile([second for taken, _ in found for second in taken], [50, 95, 99]) * 1000
        table.add_row(
            name, f"{rates[name]:,.0f}", f"{rates[name] / rates['bare']:.2f}", *(f"{ms:.1f}" for ms in percentiles)
        )
    Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    main(**vars(parser.parse_args()))
