import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from graph import embedded
from graph.store import Store
from guanxi.portal import daemon_portal
from tests.plugins.sources import LEARNER
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.embedded

SOON_SECONDS = 20
"""On a machine with other work, too."""
SLOW_LEARNER = LEARNER.format(
    name="slow",
    fit="""
        import time
        from pathlib import Path

        here = Path(__file__).parent
        (here / "learning").touch()
        while not (here / "go-on").exists():
            time.sleep(0.01)
        return {}
""",
)


async def test_an_interrupted_load_is_finished_by_the_next(guanxi, command, tmp_path):
    bank, home = tmp_path / "bank", tmp_path / "home"
    guanxi(home, "sample", bank, "--customers", 400)
    with embedded.join(home) as lease:
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            running = start(command(home, "load", bank))
            await until(lambda: customers(store), every=0.005)

            assert_interrupted(running)

            finished = guanxi(home, "load", bank, "--json")
            assert await customers(store) == 400
        files = json.loads(finished.stdout)["files"]
        assert finished.returncode == 0
        assert sum(file["unchanged"] for file in files) > 0
        assert sum(file["loaded"] for file in files) > 0


def test_an_interrupted_training_leaves_the_model_in_force_and_is_finished_by_the_next(
    journey, guanxi, command, tmp_path, last_day
):
    (tmp_path / "slow.py").write_text(SLOW_LEARNER)
    train = ("train", "--as-of", last_day)
    current = journey.home / "models" / "current"
    before = current.read_text()
    running = start(command(journey.home, *train, GUANXI_PLUGINS=str(tmp_path)))
    wait_for(running, tmp_path, "learning")

    assert_interrupted(running, within=SOON_SECONDS)
    assert current.read_text() == before

    (tmp_path / "go-on").touch()
    finished = guanxi(journey.home, *train, GUANXI_PLUGINS=str(tmp_path))
    assert finished.returncode == 0
    assert current.read_text() != before


@pytest.mark.parametrize("reached", ["temporary/*/store/log.txt", "temporary/*/store/address", "plugin/learning"])
def test_an_interrupted_check_ends_soon_and_leaves_nothing(command, tmp_path, reached):
    """While the store starts, while the bank is loaded, and while a plugin learns that does not end."""
    plugin, temporary = tmp_path / "plugin" / "slow.py", tmp_path / "temporary"
    for folder in (plugin.parent, temporary):
        folder.mkdir()
    plugin.write_text(SLOW_LEARNER)
    check = ("plugins", "check", plugin, "--customers", 50)
    running = start(command(tmp_path / "home", *check, TMPDIR=str(temporary)))
    wait_for(running, tmp_path, reached)

    assert_interrupted(running, within=SOON_SECONDS)
    assert list(temporary.iterdir()) == []
    assert servers(temporary) == []


def test_an_interrupted_evaluation_ends_soon_whatever_a_plugin_does(journey, command, tmp_path, last_day):
    (tmp_path / "slow.py").write_text(SLOW_LEARNER)
    evaluate = ("plugins", "evaluate", tmp_path / "slow.py", "--as-of", last_day)
    running = start(command(journey.home, *evaluate))
    wait_for(running, tmp_path, "learning")

    assert_interrupted(running, within=SOON_SECONDS)


def test_a_second_interruption_waits_for_nothing(monkeypatch):
    monkeypatch.setattr("guanxi.portal.END_SECONDS", 60)
    go_on, began = threading.Event(), threading.Event()

    async def stuck():
        began.set()
        go_on.wait()

    def interrupt():
        began.wait()
        for _ in range(2):
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt), daemon_portal("stuck", nullcontext()) as portal:
        portal.call(stuck)
    assert time.monotonic() - started < SOON_SECONDS
    go_on.set()


def test_a_loop_that_cannot_be_made_is_no_reason_to_wait(monkeypatch):
    def refuse(work):
        work.close()
        raise OSError("too many open files")

    monkeypatch.setattr("guanxi.portal.asyncio.run", refuse)
    with pytest.raises(OSError, match="too many"), daemon_portal("none", nullcontext()):
        pytest.fail("it has no loop")


def test_a_store_that_does_not_end_when_it_is_asked_is_ended(monkeypatch):
    monkeypatch.setattr(embedded, "END_SECONDS", 0.2)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE) as process:
        process.stdout.readline()

        embedded._end(process.pid)

        assert not Path(f"/proc/{process.pid}").exists()


def start(command):
    return subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(running, folder, pattern):
    while not any(folder.glob(pattern)):
        assert running.poll() is None, running.communicate()
        time.sleep(0.01)


def assert_interrupted(running, within=PATIENCE):
    if running.poll() is None:
        running.send_signal(signal.SIGINT)
    with running:
        try:
            _, said = running.communicate(timeout=within)
        finally:
            running.kill()
    assert running.returncode == 130, said
    assert said.splitlines()[-1:] == ["Interrupted."], said
    assert "Traceback" not in said


def servers(folder):
    """The processes whose store is in a folder."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            commands.append(path.read_text())
    return [command for command in commands if "graph.embedded_server" in command and str(folder) in command]


async def customers(store):
    return (await store.read("MATCH (c:Customer) RETURN count(c) AS n"))[0]["n"]
