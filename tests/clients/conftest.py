"""``guanxi serve`` as a process over an embedded store of its own, for clients that speak to it from outside."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx
import jwt
import pytest

from graph import embedded
from tests.serving import serving
from tests.waiting import PATIENCE

HERE = Path(__file__).parent
SECRET = "a secret of more than thirty-two characters"
EASY = {"GUANXI_LIMIT_TOKEN_RATE": "1000000", "GUANXI_LIMIT_CLIENT_RATE": "1000000"}
"""The clients ask as fast as they can, all with one token."""


@pytest.fixture(scope="session")
def guanxi(tmp_path_factory):
    """Return a function: the arguments and environment of ``guanxi …`` in the clients' home, for ``subprocess``."""
    home = tmp_path_factory.mktemp("clients")
    own = ("GUANXI_", "NEO4J_", "REDIS_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(own)}

    def make(*arguments, **settings):
        own = {"GUANXI_HOME": str(home / "home"), "GUANXI_JWT_SECRET": SECRET, "GUANXI_JWT_LEEWAY_SECONDS": "0"} | EASY
        return {
            "args": [sys.executable, "-m", "guanxi", *map(str, arguments)],
            "env": inherited | own | settings,
            "text": True,
        }

    bank = home / "bank"
    with embedded.join(home / "home"):
        subprocess.run(**make("sample", bank, "--customers", 50), check=True, capture_output=True)
        subprocess.run(**make("load", bank), check=True, capture_output=True)
        yield make


@pytest.fixture(scope="session")
def short_token():
    """Return a function: an administrator's token for a few seconds."""

    def issue(seconds=4):
        claims = {"sub": "admin", "role": "ADMIN", "iss": "guanxi", "aud": "guanxi"}
        return jwt.encode(claims | {"exp": datetime.now(UTC) + timedelta(seconds=seconds)}, SECRET, "HS256")

    return issue


@pytest.fixture(scope="session")
def token(guanxi):
    """An administrator's token."""
    done = subprocess.run(**guanxi("token", "--role", "admin", GUANXI_DEVELOPMENT="1"), capture_output=True)
    return done.stdout.strip()


@pytest.fixture(scope="session", params=["development", "production"])
def served(request, guanxi):
    """``guanxi serve`` in a mode, ready, with its address."""
    with served_cleanly(guanxi, *(["--development"] if request.param == "development" else [])) as url:
        yield SimpleNamespace(url=url, mode=request.param)


@pytest.fixture(scope="session")
def subgraph(guanxi):
    """The address of a ``guanxi serve`` that is a subgraph, in production."""
    with served_cleanly(guanxi, GUANXI_FEDERATION="1") as url:
        yield url


@contextmanager
def served_cleanly(guanxi, *arguments, **settings):
    """The GraphQL address of a server that Ctrl-C ends."""
    with serving(guanxi, *arguments, **settings) as (process, url):
        yield f"{url}/graphql"
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="session")
def ask(token):
    """Return a function: the data of an administrator's query."""

    def answered(url, query):
        answer = httpx.post(url, json={"query": query}, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE)
        return answer.json()["data"]

    return answered


@pytest.fixture(scope="session")
def customer_no(served, ask):
    """A customer who is there."""
    return ask(served.url, "{ customers(first: 1) { nodes { customerNo } } }")["customers"]["nodes"][0]["customerNo"]


@pytest.fixture(scope="session")
def run():
    """Return a function: what a command prints, in this folder or another; fails where the command does."""

    def printed(*command, cwd=HERE, **environment):
        own = os.environ | environment
        done = subprocess.run(command, cwd=cwd, env=own, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return printed


@pytest.fixture(scope="session")
def node(run):
    """Return a function: what a program of this folder prints, run by Node.js."""
    return lambda program, *arguments: run("node", program, *arguments)


@pytest.fixture(scope="session")
def tool(run):
    """Return a function: what a command that a package brings prints."""
    return lambda name, *arguments, **where: run(HERE.parents[1] / "node_modules" / ".bin" / name, *arguments, **where)
