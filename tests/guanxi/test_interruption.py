import asyncio
import json
import signal
import subprocess

import pytest

from graph import embedded
from graph.store import Store

pytestmark = pytest.mark.embedded

SLOW_LEARNER = """
import time
from pathlib import Path

import numpy as np

from guanxi import Candidates, hookimpl

HERE = Path(__file__).parent


class SlowLearner:
    name, version = "slow", "1"

    def fit(self, portfolio):
        (HERE / "learning").touch()
        while not (HERE / "go-on").exists():
            time.sleep(0.01)
        return {}

    def with_arrays(self, arrays, product_codes):
        return self

    def propose(self, batch):
        return Candidates(np.full(batch.shape, np.nan, np.float32), lambda row, column: None)


@hookimpl
def recommenders(register):
    register(SlowLearner())
"""


async def test_an_interrupted_load_is_finished_by_the_next(guanxi, command, tmp_path):
    bank, home = tmp_path / "bank", tmp_path / "home"
    guanxi(home, "sample", bank, "--customers", 400)
    with embedded.join(home) as lease:
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            running = start(command(home, "load", bank))
            while not await customers(store):
                await asyncio.sleep(0.005)

            assert_interrupted(running)

            finished = guanxi(home, "load", bank, "--json")
            assert await customers(store) == 400
        files = json.loads(finished.stdout)["files"]
        assert finished.returncode == 0
        assert sum(file["unchanged"] for file in files) > 0
        assert sum(file["loaded"] for file in files) > 0


async def test_an_interrupted_training_leaves_the_model_in_force_and_is_finished_by_the_next(
    journey, guanxi, command, tmp_path, last_day
):
    (tmp_path / "slow.py").write_text(SLOW_LEARNER)
    train = ("train", "--as-of", last_day)
    current = journey.home / "models" / "current"
    before = current.read_text()
    running = start(command(journey.home, *train, GUANXI_PLUGINS=str(tmp_path)))
    while not (tmp_path / "learning").exists():
        assert running.poll() is None
        await asyncio.sleep(0.01)

    running.send_signal(signal.SIGINT)
    (tmp_path / "go-on").touch()
    assert_interrupted(running)
    assert current.read_text() == before

    finished = guanxi(journey.home, *train, GUANXI_PLUGINS=str(tmp_path))
    assert finished.returncode == 0
    assert current.read_text() != before


def start(command):
    return subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def assert_interrupted(running):
    if running.poll() is None:
        running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "Traceback" not in said


async def customers(store):
    return (await store.read("MATCH (c:Customer) RETURN count(c) AS n"))[0]["n"]
