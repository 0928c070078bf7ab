import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graph.embedded import StoreFolder, is_serving, join
from graph.errors import SettingsError
from graph.store import Store
from tests.waiting import wait_until

pytestmark = pytest.mark.embedded

USER = """
import pathlib, sys, time
from graph.embedded import join

with join(pathlib.Path(sys.argv[1])) as lease:
    print(lease.uri, flush=True)
    time.sleep(600)
"""
WRITER = """
import asyncio, pathlib, sys
from graph.embedded import join
from graph.store import Store

async def write(lease):
    async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
        for batch in range(100_000):
            await store.write("UNWIND range(1, 100) AS n CREATE (:Row {batch: $batch, n: n})", batch=batch)
            if batch == 5:
                print("writing", flush=True)

with join(pathlib.Path(sys.argv[1])) as lease:
    asyncio.run(write(lease))
"""


def spawn(code, home):
    return subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.PIPE, text=True)


def listening(pid):
    """Local addresses, in the kernel's hexadecimal, on which a process listens."""
    sockets = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()}
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return {fields[1].split(":")[0] for fields in lines if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets}


@pytest.fixture
def folder(tmp_path):
    made = StoreFolder(tmp_path / "store")
    yield made
    if made.path.exists():
        wait_until(lambda: not is_serving(made))


def test_the_password_is_random_kept_and_private(tmp_path, folder):
    with join(tmp_path) as first:
        assert folder.password.stat().st_mode & 0o777 == 0o600
        assert len(first.password) >= 32
    with join(tmp_path) as second:
        assert second.password == first.password


def test_only_loopback_is_listened_on(tmp_path, folder, serving_pid):
    with join(tmp_path):
        addresses = listening(serving_pid(folder))

    assert addresses <= {"0100007F", "0000000000000000FFFF00000100007F"}
    assert addresses


def test_a_second_command_joins_the_running_store(tmp_path, folder, serving_pid):
    with join(tmp_path) as mine:
        pid = serving_pid(folder)
        other = spawn(USER, tmp_path)
        assert other.stdout.readline().strip() == mine.uri
        assert serving_pid(folder) == pid
        other.kill()
        other.communicate()
        time.sleep(1.5)
        assert serving_pid(folder) == pid


@pytest.mark.usefixtures("folder")
def test_two_commands_that_start_together_share_one_store(tmp_path):
    both = [spawn(USER, tmp_path) for _ in range(2)]

    assert len({user.stdout.readline() for user in both}) == 1
    for user in both:
        user.kill()
        user.communicate()


def test_the_store_stops_when_its_last_user_was_killed(tmp_path, folder):
    user = spawn(USER, tmp_path)
    user.stdout.readline()
    assert is_serving(folder)

    user.kill()
    user.communicate()

    wait_until(lambda: not is_serving(folder))


def test_a_store_serves_until_its_process_has_ended(tmp_path, folder, serving_pid):
    with join(tmp_path):
        pid = serving_pid(folder)

    wait_until(lambda: not is_serving(folder))

    assert Path(f"/proc/{pid}/cmdline").read_text() == "", "a process of ours that has ended has no command line"


async def test_data_survive_the_store_being_killed(tmp_path, folder, serving_pid):
    with join(tmp_path) as lease:
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            await store.write("CREATE (:Kept {n: 1})")
        os.kill(serving_pid(folder), signal.SIGKILL)
        wait_until(lambda: not is_serving(folder))
    with join(tmp_path) as again:
        async with Store(again.uri, again.username, again.password, again.database) as store:
            assert await store.read("MATCH (k:Kept) RETURN k.n AS n") == [{"n": 1}]
        assert again.uri == lease.uri


@pytest.mark.parametrize("victim", ["store", "writer"])
@pytest.mark.parametrize("moment", [0.03, 0.21])
async def test_a_kill_in_the_middle_of_writing_leaves_whole_transactions(tmp_path, folder, victim, moment, serving_pid):
    writer = spawn(WRITER, tmp_path)
    assert writer.stdout.readline() == "writing\n"
    await asyncio.sleep(moment)
    os.kill(serving_pid(folder) if victim == "store" else writer.pid, signal.SIGKILL)
    writer.kill()
    writer.communicate()

    with join(tmp_path) as lease:
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            rows = await store.read("MATCH (r:Row) RETURN r.batch AS batch, count(r) AS n ORDER BY batch")

    assert len(rows) > 5
    assert {row["n"] for row in rows} == {100}
    assert [row["batch"] for row in rows] == list(range(len(rows)))


def test_a_home_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(SettingsError, match="file cannot be written"), join(tmp_path / "file"):
        pass
