"""What the audit log costs: requests a second of a server that records and of one that doesn't, in turn, over one store.

one       staff reads one customer's name: one entry with one customer
page      staff reads a page of 50 customers with three edges: one entry with fifty
consent   staff sets a customer's consent: one entry, of a write
own       a customer reads himself: nothing is recorded

    python tests/benchmarks/audit.py [--customers 300] [--seconds 4] [--rounds 3]
"""

import argparse
import itertools
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from observing import PAGE, RULES, SECRET, UNHURRIED, load, measure, process
from offers import request
from rich.console import Console
from rich.table import Table

from api.roles import Role
from graph import embedded

SERVERS = ("without", "with")
CONNECTIONS = (1, 16)
ONE = "query ($no: String!) { customer(customerNo: $no) { name } }"
CONSENT = "mutation ($no: String!) { setConsent(input: {customerNo: $no, marketing: true}) { consent { version } } }"


def serve(listener, kind, login, models):
    """Run one server; the process's main function."""
    import uvicorn

    import api.app
    import api.auditing
    from graph.store import Store
    from plugins.host import PluginHost

    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - for the process's life
    if kind == "without":
        for name in ("execute", "stream"):
            delattr(api.auditing.AuditedSchema, name)
    wiring = api.app.Wiring(lambda: Store(*login), PluginHost.load(), models, RULES, SECRET, SECRET, limits=UNHURRIED)
    uvicorn.Server(uvicorn.Config(api.app.create_app(wiring), **api.app.UVICORN)).run(sockets=[listener])


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, value in (("customers", 300), ("seconds", 4), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    asked_for = parser.parse_args()
    table = Table("requests a second", "connections", *SERVERS, "with / without")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        lease = stack.enter_context(embedded.join(folder / "home"))
        load(folder, asked_for.customers)
        numbers = numbers_of(folder)
        login = lease.uri, lease.username, lease.password, lease.database
        ports = {kind: stack.enter_context(process(serve, kind, login, folder / "models")) for kind in SERVERS}
        staff = RULES.issue(Role.ADMIN)
        asked = {
            "one": [request(ONE, {"no": no}, staff) for no in numbers],
            "page": [request(PAGE, token=staff)],
            "consent": [request(CONSENT, {"no": no}, staff) for no in numbers],
            "own": [request(ONE, {"no": no}, RULES.issue(Role.CUSTOMER, no)) for no in numbers],
        }
        for (name, requests), connections in itertools.product(asked.items(), CONNECTIONS):
            rates = measure(ports, itertools.cycle(requests), connections, asked_for.seconds, asked_for.rounds)
            figures = [f"{rates[kind]:,.0f}" for kind in SERVERS]
            table.add_row(name, str(connections), *figures, f"{rates['with'] / rates['without']:.2f}")
    Console(width=120).print(table)


def numbers_of(folder):
    """Return the numbers of the loaded customers."""
    import polars as pl

    return pl.read_csv(folder / "bank" / "customers.csv", infer_schema=False)["customer_no"].to_list()


if __name__ == "__main__":
    main()
