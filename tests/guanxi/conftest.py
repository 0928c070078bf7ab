"""The command as its users run it, and a home in which a small bank was loaded and trained, step by step."""

import json
import os
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import pytest

from graph import embedded
from graph.store import Store
from guanxi.bank import Bank
from guanxi.checking import check_plugin
from guanxi.testing.drawn import sample_bank
from plugins.host import PluginHost
from plugins.loading import of_path
from tests.serving import serving

LAST_DAY = "2026-06-30"
"""The sample bank knows nothing that happened later."""


@pytest.fixture(scope="session")
def last_day():
    return LAST_DAY


@pytest.fixture(scope="session")
def command():
    """Return a function: the arguments and environment of ``guanxi …`` in a home, for ``subprocess``."""

    def make(home, *arguments, **settings):
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("GUANXI_", "NEO4J_", "REDIS_"))
        }
        return {
            "args": [sys.executable, "-m", "guanxi", *map(str, arguments)],
            "env": inherited | {"GUANXI_HOME": str(home)} | settings,
            "text": True,
        }

    return make


@pytest.fixture(scope="session")
def guanxi(command):
    """Return a function that runs ``guanxi …`` in a home to its end."""

    def run(home, *arguments, **settings):
        return subprocess.run(**command(home, *arguments, **settings), capture_output=True, timeout=300)

    return run


@pytest.fixture(scope="session")
def running_store(tmp_path_factory):
    """The folder of a store that runs for all tests, one after another."""
    home = tmp_path_factory.mktemp("running")
    with embedded.join(home):
        yield home / "store"


@pytest.fixture
async def new_home(running_store, tmp_path):
    """A home of its own, whose store is empty and runs for the whole test: the one that runs anyway."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "store").symlink_to(running_store)
    with embedded.join(home) as lease:
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            await store.write("MATCH (n) DETACH DELETE n")
        yield home


@pytest.fixture(scope="session")
def journey(guanxi, tmp_path_factory):
    """Walk from a sample bank to a model; keeps what each step said, and the store running for the tests."""
    folder = tmp_path_factory.mktemp("journey")
    bank, home = folder / "bank", folder / "home"
    with embedded.join(home):
        yield SimpleNamespace(
            bank=bank,
            home=home,
            sampled=guanxi(home, "sample", bank, "--customers", 300),
            checked=guanxi(home, "check", bank, "--json"),
            loaded=guanxi(home, "load", bank, "--json"),
            again=guanxi(home, "load", bank, "--json"),
            before_a_model=guanxi(home, "recommend", "--all", "--as-of", LAST_DAY),
            trained=guanxi(home, "train", "--as-of", LAST_DAY),
        )


@pytest.fixture(scope="session")
def serve(command, journey):
    """Return a function: a context of ``guanxi serve`` in the home of the journey; the process and its address."""
    return partial(serving, partial(command, journey.home))


@pytest.fixture(scope="session")
def boast():
    """Return a function: have a model's card say that it is better than any."""

    def boast(models, model_id):
        path = models / model_id / "manifest.json"
        told = json.loads(path.read_text())
        told["ranker"]["card"]["map@7"]["stack"] = 0.99
        path.write_text(json.dumps(told))

    return boast


@pytest.fixture(scope="module")
def checked():
    """Return a function: what is found of a plugin, over a trained sample bank that has not seen it before."""
    with sample_bank(100) as bank:
        bank.train()

        def check(path, **asked):
            with Bank(bank.settings, host=PluginHost.load(), today=bank.today) as own:
                return list(check_plugin(own, of_path(path), **asked))

        yield check
