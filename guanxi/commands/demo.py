"""``guanxi demo``: the commands a newcomer would type, run in order, and what to try next."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from api.roles import Role
from graph import embedded
from graph.errors import GuanxiError, SettingsError
from guanxi.listening import listening
from guanxi.settings import Settings
from guanxi.token_rules import token_rules

Keys: TypeAlias = dict[Role, str]
"""The roles to print a token for, each with the number or code that it is about."""

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
START_SECONDS: Final = 90
STATE: Final = "demo.json"
"""How far a demo's home has come: the size of its bank and, once it is loaded and trained, what was shown."""


def demo(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port of the server, on loopback.")] = 8000,
    size: Annotated[int, typer.Option("--customers", min=1, help="Size of the sample bank, in customers.")] = 2000,
) -> None:
    """Load a sample bank, train, serve it, and print a token for each role and a query for each kind of user."""
    listening(HOST, port).close()
    if not embedded.is_installed():
        raise SettingsError("The demo needs the embedded store: pip install 'guanxi[embedded]', or make demo.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    home = _home(Settings().home)
    for name in [name for name in os.environ if name.startswith("NEO4J_")]:
        del os.environ[name]
    os.environ |= {"GUANXI_HOME": str(home), "GUANXI_DEVELOPMENT": "1"}
    keys = _kept(home, size)
    if keys is not None:
        typer.echo("Starting the embedded store and the server …")
        _serve(port, keys)
        return
    typer.echo("Starting the embedded store …")
    with embedded.join(home):
        _serve(port, _prepared(home, size))


def _home(given: Path) -> Path:
    """Return the demo's own home, beside the bank's; where the given one is a demo's already, that one."""
    return given if (given / STATE).exists() else given / "demo"


def _kept(home: Path, size: int) -> Keys | None:
    """Return what an earlier run showed at its end, if all that it loaded and trained is still there."""
    with suppress(FileNotFoundError, ValueError):
        state = json.loads((home / STATE).read_text())
        if state["customers"] == size and (home / "store").exists() and (home / "models" / "current").exists():
            return {Role(role): key for role, key in state["keys"].items()} or None
    return None


def _keep(home: Path, size: int, keys: Keys) -> None:
    fresh = home / f"{STATE}.new"
    fresh.write_text(json.dumps({"customers": size, "keys": keys}))
    fresh.replace(home / STATE)


def _prepared(home: Path, size: int) -> Keys:
    _keep(home, size, {})
    bank = home / f"bank-{size}"
    if not bank.exists():
        _run("sample", str(bank), "--customers", str(size), "--seed", "7")
    _run("load", str(bank))
    _run("train", "--promote", "always")
    keys = _shown()
    _keep(home, size, keys)
    return keys


def _run(*arguments: str) -> None:
    typer.secho(f"$ guanxi {' '.join(arguments)}", bold=True)
    status = subprocess.run([sys.executable, "-m", "guanxi", *arguments], check=False).returncode  # noqa: S603 - our own
    if status:
        raise GuanxiError(f"guanxi {arguments[0]} ended with {status}; what it said stands above.")


def _shown() -> Keys:
    from guanxi.showing import keys_to_show  # the engine's libraries, which a second run can do without

    return asyncio.run(keys_to_show(Settings()))


def _serve(port: int, keys: Keys) -> None:
    server = subprocess.Popen([sys.executable, "-m", "guanxi", "serve", "--port", str(port)])  # noqa: S603 - our own
    try:
        with embedded.join(Settings().home):  # the store starts while the server imports its libraries
            _wait_until_ready(server, port)
            typer.echo(_told(port, keys))
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


def _told(port: int, keys: Keys) -> str:
    rules = token_rules(Settings())
    lines = [f"\nGraphiQL: http://{HOST}:{port}/graphql\n", "Tokens, for the header Authorization: Bearer TOKEN"]
    lines += [f"\n{role} {key}\n{rules.issue(role, key)}" for role, key in keys.items()]
    lines += ["\nQueries to paste"]
    lines += [f"\n{user} ({role}):\n{query}" for user, (role, query) in QUERIES.items()]
    command = f"GUANXI_HOME={Settings().home.absolute()} {Path(sys.executable).with_name('guanxi')}"
    lines += [f"\nOther commands on this bank, in another terminal:\n{command} explain {keys[Role.CUSTOMER]}"]
    lines += ["\nStop with Ctrl-C."]
    return "\n".join(lines)
