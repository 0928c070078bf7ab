"""``guanxi demo``: the commands a newcomer would type, run in order, and what to try next."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import typer

from api.roles import Role
from graph import customers, embedded, programmes
from graph.errors import GuanxiError
from graph.records import Customer
from guanxi.commands.serve import listening
from guanxi.opening import open_engine, open_store
from guanxi.serving import token_rules
from guanxi.settings import Settings
from recommenders.artefact import current_id
from recommenders.contract import Answer, Context

QUERIES: Final = {
    "mobile banking, as the customer": (
        Role.CUSTOMER,
        "{ viewer { customer { name offers { product { name } reasons } bundles { title } } } }",
    ),
    "a front-end team, as his manager": (
        Role.RELATIONSHIP_MANAGER,
        "{ customers(first: 5) { totalCount pageInfo { endCursor hasNextPage } nodes { customerNo name lifecycleStage "
        "accounts { nodes { accountNo } } cards { nodes { cardNo } } holdings { nodes { product { name } } } } } }",
    ),
    "marketing": (
        Role.MARKETING,
        "{ recommenders { name plugin state calls failures } programmes { nodes { name kind memberCount } } }",
    ),
}
HOST: Final = "127.0.0.1"
START_SECONDS: Final = 60
LOOKED_AT: Final = 500


def demo(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port of the server, on loopback.")] = 8000,
    size: Annotated[int, typer.Option("--customers", min=1, help="Size of the sample bank, in customers.")] = 2000,
) -> None:
    """Load a sample bank, train, serve it, and print a token for each role and a query for each kind of user."""
    listening(HOST, port).close()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    home = Settings().home / "demo"
    for name in [name for name in os.environ if name.startswith("NEO4J_")]:
        del os.environ[name]
    os.environ |= {"GUANXI_HOME": str(home), "GUANXI_DEVELOPMENT": "1"}
    typer.echo("Starting the embedded store …")
    with embedded.join(home):
        _prepare(home, size)
        shown = asyncio.run(_shown())
        _serve(port, shown)


def _prepare(home: Path, size: int) -> None:
    bank = home / f"bank-{size}"
    if not bank.exists():
        _run("sample", str(bank), "--customers", str(size), "--seed", "7")
    if current_id(home / "models") is None or asyncio.run(_count()) != size:
        _run("load", str(bank))
        _run("train", "--promote", "always")


def _run(*arguments: str) -> None:
    typer.secho(f"$ guanxi {' '.join(arguments)}", bold=True)
    status = subprocess.run([sys.executable, "-m", "guanxi", *arguments], check=False).returncode  # noqa: S603 - our own
    if status:
        raise GuanxiError(f"guanxi {arguments[0]} ended with {status}; what it said stands above.")


async def _count() -> int:
    async with open_store(Settings()) as store:
        return await customers.count(store)


async def _shown() -> tuple[Customer, str]:
    """Return the customer, of the first few, whose screen has most to show, and a partner's code."""
    settings = Settings()
    async with open_store(settings) as store:
        numbers = await anext(customers.pages(store, LOOKED_AT))
        records = {customer.customer_no: customer for customer in await customers.load(store, numbers)}
        engine = await open_engine(store, settings)
        answers = engine.answer(list(records.values()), Context(today=date.today()))
        partners = [p.partner.partner_code for p in await programmes.programmes(store) if p.partner]
    return records[max(answers, key=_richness).customer_no], partners[0]


def _richness(answer: Answer) -> tuple[int, int, float]:
    return len(answer.bundles), len(answer.offers), sum(len(offer.reasons) for offer in answer.offers)


def _serve(port: int, shown: tuple[Customer, str]) -> None:
    server = subprocess.Popen([sys.executable, "-m", "guanxi", "serve", "--port", str(port)])  # noqa: S603 - our own
    try:
        _wait_until_ready(server, port)
        typer.echo(_told(port, *shown))
        server.wait()
    finally:
        server.terminate()
        server.wait()


def _wait_until_ready(server: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise GuanxiError("The server did not start; what it said stands above.")
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=5):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    raise GuanxiError(f"The server was not ready within {START_SECONDS} seconds.")


def _told(port: int, customer: Customer, partner: str) -> str:
    rules = token_rules(Settings())
    keys = {
        Role.CUSTOMER: customer.customer_no,
        Role.RELATIONSHIP_MANAGER: customer.manager_no or "",
        Role.MARKETING: "",
        Role.PARTNER: partner,
        Role.ADMIN: "",
    }
    lines = [f"\nGraphiQL: http://{HOST}:{port}/graphql\n", "Tokens, for the header Authorization: Bearer TOKEN"]
    lines += [f"\n{role} {key}\n{rules.issue(role, key)}" for role, key in keys.items()]
    lines += ["\nQueries to paste"]
    lines += [f"\n{user} ({role}):\n{query}" for user, (role, query) in QUERIES.items()]
    command = f"GUANXI_HOME={Settings().home.absolute()} {Path(sys.executable).with_name('guanxi')}"
    lines += [f"\nOther commands on this bank, in another terminal:\n{command} explain {customer.customer_no}"]
    lines += ["\nStop with Ctrl-C."]
    return "\n".join(lines)
