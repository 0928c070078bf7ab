"""What a server does with three times what it can do: whom it serves, whom it turns away, and whether it recovers.

Its capacity is what 32 connections get out of it that ask again as soon as they are answered; then requests come at
three times that pace, whether or not earlier ones were answered (an open loop), and then again as at first. The mix is
the four operations of workload.py in turn. A request counts from when it was due. Fails, with exit code 1, where anything
but 200, 429 and 503 was answered, or the server is not soon what it was.

    python tests/benchmarks/overload.py [--customers 2000] [--questions 200] [--times 3] [--seconds 30]
"""

import argparse
import sys
from collections import defaultdict
from contextlib import ExitStack

import numpy as np
from clients import asked, offered, run
from rich.console import Console
from rich.table import Table
from servers import guanxi, sample_bank
from workload import mix, questions

CONNECTIONS = 32
WARMING_CONNECTIONS = 4
WARMING_SECONDS = 20
CAPACITY_SECONDS = 10
RECOVERED = 0.7
"""The share of its capacity that a server has again at once, on a machine that others load, too."""


async def measure(port, requests, times, seconds):
    await asked(port, requests, WARMING_CONNECTIONS, WARMING_SECONDS)
    before = await asked(port, requests, CONNECTIONS, CAPACITY_SECONDS)
    found = await offered(port, requests, times * before.rate, seconds)
    after = await asked(port, requests, CONNECTIONS, CAPACITY_SECONDS)
    return before, found, after


def main(customers, most, times, seconds):
    with ExitStack() as stack:
        bank = stack.enter_context(sample_bank(customers))
        asked_for = run(questions(bank, most))
        port, _ = stack.enter_context(guanxi(bank.environment))
        before, found, after = run(measure(port, mix(asked_for), times, seconds))
    by_status = defaultdict(list)
    for status, took in found:
        by_status[status].append(took)
    table = Table("", "answers", "a second", "p50 ms", "p95 ms", "p99 ms")
    table.add_row("before", *row(before.taken, before.seconds))
    for status, taken in sorted(by_status.items()):
        table.add_row(f"{times} × that: {status or 'no answer'}", *row(taken, seconds))
    table.add_row("after", *row(after.taken, after.seconds))
    Console().print(table)
    return by_status.keys() <= {200, 429, 503} and after.rate >= RECOVERED * before.rate


def row(taken, seconds):
    percentiles = np.percentile(taken, [50, 95, 99]) * 1000
    return f"{len(taken):,}", f"{len(taken) / seconds:,.0f}", *(f"{ms:,.0f}" for ms in percentiles)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--questions", type=int, default=200, dest="most")
    parser.add_argument("--times", type=float, default=3)
    parser.add_argument("--seconds", type=float, default=30)
    sys.exit(0 if main(**vars(parser.parse_args())) else 1)
