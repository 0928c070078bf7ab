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
from contextlib import ExitStack
from pathlib import Path

from clients import request
from observing import PAGE, RULES, SECRET, UNHURRIED, measure
from rich.console import Console
from rich.table import Table
from servers import process, sample_bank

from api.roles import Role

SERVERS = ("without", "with")
CONNECTIONS = (1, 16)
ONE = "query ($no: String!) { customer(customerNo: $no) { name } }"
CONSENT = "mutation ($no: String!) { setConsent(input: {customerNo: $no, marketing: true}) { consent { version } } }"


def serve(listener, kind, login, models, audit_secret):
    """Run one server; the process's main function."""
    import uvicorn

    import api.app
    import api.auditing
    from api.webhooks.rules import WebhookRules
    from graph.store import Store
    from plugins.host import PluginHost

    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - for the process's life
    if kind == "without":
        for name in ("execute", "stream"):
            delattr(api.auditing.AuditedSchema, name)
    hooks = WebhookRules(SECRET)
    wiring = api.app.Wiring(
        lambda: Store(*login), PluginHost.load(), models, RULES, SECRET, hooks, SECRET, audit_secret, limits=UNHURRIED
    )
    uvicorn.Server(uvicorn.Config(api.app.create_app(wiring), **api.app.UVICORN)).run(sockets=[listener])


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, value in (("customers", 300), ("seconds", 4), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    asked_for = parser.parse_args()
    table = Table("requests a second", "connections", *SERVERS, "with / without")
    with ExitStack() as stack:
        bank = stack.enter_context(sample_bank(asked_for.customers))
        numbers = [f"C{number:09}" for number in range(1, asked_for.customers + 1)]
        ports = {
            kind: stack.enter_context(process(serve, kind, bank.login, bank.home / "models", bank.audit_secret))[0]
            for kind in SERVERS
        }
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


if __name__ == "__main__":
    main()
