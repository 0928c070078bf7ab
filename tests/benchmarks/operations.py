"""Throughput and latency of four operations at 1, 16 and 64 connections: ``guanxi serve`` beside what it is made of.

guanxi      the server as it comes, in production mode, one worker: tokens, limits, log
memory      bare Strawberry, same types, same bytes, from memory
driver      the bare driver doing the same Cypher, without HTTP or GraphQL
both        bare Strawberry that runs the same Cypher, and then gives the same bytes from memory

All are asked in turn, over one store; workload.py has the operations, bare.py tells what is bare. guanxi's limits of
time and of clients are lifted, that none is turned away on a slow machine. ``of both`` is the goal's ratio. ``cpu ms`` is the time of a
processor that the server, or the driver's process, took for each: it says what others who load the machine hide.
``asker`` is the share of a processor that asking took: below 1, the client was not what was measured.

    python tests/benchmarks/operations.py [--customers 2000] [--questions 200] [--seconds 3] [--rounds 3]
"""

import argparse
import itertools
import os
import statistics
from contextlib import ExitStack

import bare
from clients import WARMING_ROUNDS, asked, kept_asking, request, run, together
from neo4j import AsyncGraphDatabase
from rich.console import Console
from rich.table import Table
from servers import UNHURRIED, guanxi, process, processor_seconds, sample_bank
from workload import OPERATIONS, questions, requests

CONNECTIONS = (1, 16, 64)
WAYS = ("guanxi", "memory", "driver", "both")


async def measure(bank, servers, asked_for, known, seconds, rounds):
    """Return the runs of each operation, number of connections and way."""
    own, found = requests(asked_for), {}
    barely = {
        name: itertools.cycle(
            [request(operation.bare_document, {"number": number}) for number in range(len(known[name].answers))]
        )
        for name, operation in OPERATIONS.items()
    }
    uri, username, password, database = bank.login
    async with AsyncGraphDatabase.driver(uri, auth=(username, password)) as driver:
        for turn, name, connections in itertools.product(range(-WARMING_ROUNDS, rounds), OPERATIONS, CONNECTIONS):
            waves = itertools.cycle(known[name].waves)
            for way in WAYS:
                port, process_id = servers[way]
                before = processor_seconds(process_id)
                if way == "driver":
                    replays = [lambda: bare.replay(driver, database, next(waves))] * connections  # noqa: B023
                    taken = await kept_asking(replays, seconds)
                else:
                    taken = await asked(port, own[name] if way == "guanxi" else barely[name], connections, seconds)
                if turn >= 0:
                    spent = (processor_seconds(process_id) - before) / len(taken.taken)
                    found.setdefault((name, connections, way), []).append((taken, spent))
    return found


def main(customers, most, seconds, rounds):
    with ExitStack() as stack:
        bank = stack.enter_context(sample_bank(customers))
        asked_for = run(questions(bank, most))
        known = run(bare.known_of(bank, asked_for))
        servers = {
            "guanxi": stack.enter_context(guanxi(bank.environment | UNHURRIED)),
            "memory": stack.enter_context(process(bare.serve, known, None)),
            "driver": (None, os.getpid()),
            "both": stack.enter_context(process(bare.serve, known, bank.login)),
        }
        found = run(measure(bank, servers, asked_for, known, seconds, rounds))
        report(found)


def report(found):
    table = Table("operation", "connections", "", "requests/s", "of memory", "of driver", "of both", "cpu ms",
                  "p50 ms", "p95 ms", "p99 ms", "p99/p50", "asker", title="medians of rounds")  # fmt: skip
    rates = {key: statistics.median(one.rate for one, _ in runs) for key, runs in found.items()}
    for (name, connections, way), runs in found.items():
        whole, spent = together([one for one, _ in runs]), statistics.median(each for _, each in runs)
        ratios = [rates[name, connections, way] / rates[name, connections, other] for other in WAYS[1:]]
        p50, p95, p99 = whole.percentiles
        table.add_row(
            name, f"{connections}", way, f"{rates[name, connections, way]:,.0f}",
            *(f"{ratio:.2f}" if way == "guanxi" else "" for ratio in ratios),
            *(f"{ms:.1f}" for ms in (1000 * spent, p50, p95, p99)), f"{p99 / p50:.1f}", f"{whole.busy:.2f}",
        )  # fmt: skip
    Console(width=140).print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--questions", type=int, default=200, dest="most")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    main(**vars(parser.parse_args()))
