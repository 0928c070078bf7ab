"""The server's memory over 200,000 requests: its resident set every 10,000, with the pace since the last.

The mix is the four operations of workload.py, of many customers and variables, on 16 connections: of 100 requests 60 are
of phones, and one is a page of 50 customers. A quarter of them write, so the bank grows meanwhile, and its answers with
it. Reads /proc, so it is for Linux.

    python tests/benchmarks/endurance.py [--customers 2000] [--questions 1000] [--requests 200000] [--every 10000]
"""

import argparse
import asyncio
import re
import time
from contextlib import AsyncExitStack, ExitStack
from itertools import islice
from pathlib import Path

from clients import Connection, run
from rich.console import Console
from servers import UNHURRIED, guanxi, sample_bank
from workload import mix, questions

CONNECTIONS = 16
WEIGHTS = {"offers": 60, "mutation": 24, "customer": 15, "page": 1}


async def endure(port, process, requests, most, every):
    """Ask, and tell; return the resident set in MiB after ``every`` so many requests."""
    found = []
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(Connection()) for _ in range(CONNECTIONS)]
        for connection in opened:
            await connection.open(port)
        for done in range(every, most + 1, every):
            started, some = time.perf_counter(), islice(requests, every)
            await asyncio.gather(*(keep_asking(connection, some) for connection in opened))
            found.append(resident(process))
            pace = every / (time.perf_counter() - started)
            Console().print(f"{done:>9,} requests  {found[-1]:7.1f} MiB  {pace:5.0f} requests/s")
    return found


async def keep_asking(connection, requests):
    for request in requests:
        await connection.ask(request)


def resident(process):
    """Return a process's resident set in MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def main(customers, most, requests, every):
    with ExitStack() as stack:
        bank = stack.enter_context(sample_bank(customers))
        asked_for = run(questions(bank, most))
        port, process = stack.enter_context(guanxi(bank.environment | UNHURRIED))
        found = run(endure(port, process, mix(asked_for, WEIGHTS), requests, every))
    half = found[len(found) // 2 - 1]
    Console().print(f"From half-way to the end it grew by {found[-1] - half:.1f} MiB, {found[-1] / half - 1:.1%}.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--questions", type=int, default=1_000, dest="most")
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--every", type=int, default=10_000)
    main(**vars(parser.parse_args()))
