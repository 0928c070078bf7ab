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
import itertools
import statistics
from contextlib import ExitStack

import strawberry
import uvicorn
from clients import WARMING_ROUNDS, asked, request, run, together
from neo4j import AsyncGraphDatabase, RoutingControl
from rich.console import Console
from rich.table import Table
from servers import guanxi, process, sample_bank
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL

from api.roles import Role
from graph import customers as customers_of
from graph.store import Store

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


async def measure(bank, ports, connections, seconds, rounds):
    async with Store(*bank.login) as store:
        numbers = [number async for page in customers_of.pages(store, 1_000) for number in page]
    phones = itertools.cycle([request(OFFERS, token=bank.rules.issue(Role.CUSTOMER, number)) for number in numbers])
    names = itertools.cycle([request(NAME, {"no": number}) for number in numbers])
    results = {name: [] for name in ports}
    for number in range(-WARMING_ROUNDS, rounds):
        for name, port in ports.items():
            found = await asked(port, phones if name == "guanxi" else names, connections, seconds)
            if number >= 0:
                results[name].append(found)
    return results


def main(customers, connections, seconds, rounds):
    with ExitStack() as stack:
        bank = stack.enter_context(sample_bank(customers))
        ports = {
            "bare": stack.enter_context(process(serve_barely, *bank.login, POINT))[0],
            "guanxi": stack.enter_context(guanxi(bank.environment))[0],
            "bare whole": stack.enter_context(process(serve_barely, *bank.login, customers_of.WHOLE))[0],
        }
        report(run(measure(bank, ports, connections, seconds, rounds)), connections)


def report(results, connections):
    table = Table("median of rounds", "requests a second", "ratio to bare", "p50 ms", "p95 ms", "p99 ms",
                  title=f"offers at {connections} connections")  # fmt: skip
    rates = {name: statistics.median(one.rate for one in found) for name, found in results.items()}
    for name, found in results.items():
        percentiles = together(found).percentiles
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
