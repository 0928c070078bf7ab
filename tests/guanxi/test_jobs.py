"""Jobs of plugins and our own, by ``guanxi jobs`` and by servers."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from graph import embedded, jobs
from graph.jobs import JobOutcome, JobState, Run
from graph.store import Store
from guanxi import work
from guanxi.settings import Settings
from guanxi.work import is_done_here, is_due
from plugins.contract import Job
from plugins.host import PluginHost
from tests.serving import is_ready
from tests.waiting import PATIENCE, until, wait_until

pytestmark = pytest.mark.embedded

PLUGIN = """
import os, subprocess, threading, time
from datetime import timedelta
from pathlib import Path
from graph.errors import NotFound
from guanxi import Job, hookimpl

OUT = Path(__file__).parent.parent / "out"

def count(bank):
    pages = sum(map(len, bank.pages(7)))
    with OUT.open("a") as file:
        file.write(f"{bank.table('customers').height} {pages}\\n")
    print("counted")

def fail(bank):
    raise KeyError("C000000001 earns 9000")

def hang(bank):
    child = subprocess.Popen(["sleep", "10000"])
    OUT.write_text(f"{os.getpid()} {child.pid}")
    while True:
        pass

def leave(bank):
    os._exit(7)

def seek(bank):
    raise NotFound("customer", "C999999999")

def hog(bank):
    taken = []
    while True:
        taken.append(str(len(taken)) * 3)

def spread(bank):
    threading.stack_size(2**18)
    met = threading.Barrier(20)
    threads = [threading.Thread(target=lambda: (bytes(4096), met.wait())) for _ in range(20)]
    for thread in threads:
        thread.start()
    taken = bytes(200 * 2**20)
    for thread in threads:
        thread.join()

@hookimpl
def jobs(register):
    minute = timedelta(minutes=1)
    register(Job("count", "Count customers.", minute, count))
    register(Job("fail", "Fail.", minute, fail))
    register(Job("hang", "Hang.", minute, hang, most=timedelta(seconds=MOST), by_default=False))
    register(Job("leave", "Leave.", minute, leave, by_default=False))
    register(Job("seek", "Seek.", minute, seek, by_default=False))
    register(Job("hog", "Take memory.", minute, hog, by_default=False))
    register(Job("spread", "Have threads.", minute, spread, by_default=False))
"""


@pytest.fixture
def ward(tmp_path):
    """The settings of a folder with a plugin of jobs."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "ward.py").write_text(PLUGIN.replace("MOST", "6"))
    return {"GUANXI_PLUGINS": str(folder)}


@pytest.fixture
async def opened(journey):
    with embedded.join(journey.home) as lease:
        async with Store(lease.uri, lease.username, lease.password, lease.database) as store:
            yield store
            await store.write("MATCH (n) WHERE n:Job OR n:PluginFailure DETACH DELETE n")
            shutil.rmtree(journey.home / "failures", ignore_errors=True)
            await store.write("MATCH (c:Customer) SET c.stage_noted = null, c.life_events_noted = null")
            await store.write("MATCH (k:IdempotencyKey) DELETE k")


def listed(guanxi, home, **settings):
    done = guanxi(home, "jobs", "--json", **settings)
    assert (done.returncode, done.stderr) == (0, "")
    return {job["name"]: job for job in json.loads(done.stdout)}


def pids(tmp_path):
    """What runs the job that hangs, and its child; nothing while it does not."""
    out = tmp_path / "out"
    return [int(pid) for pid in out.read_text().split()] if out.exists() else []


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


@pytest.mark.usefixtures("opened")
def test_jobs_are_listed_with_what_came_of_them(journey, guanxi, ward):
    before = listed(guanxi, journey.home, **ward)
    guanxi(journey.home, "jobs", "run", "fail", **ward)
    after = listed(guanxi, journey.home, **ward, GUANXI_JOBS="stages,-fail")
    lines = guanxi(journey.home, "jobs", **ward).stdout.splitlines()
    without = guanxi(journey.home, "jobs", **ward, GUANXI_JOBS="all,-count,-stages").stdout.splitlines()

    assert {name: (job["plugin"], job["on"]) for name, job in before.items()} == {
        "sweep": ("shipped_jobs", True),
        "stages": ("shipped_jobs", False),
        "events": ("shipped_jobs", False),
        "retention": ("shipped_jobs", False),
        "count": ("ward", True),
        "fail": ("ward", True),
        "hang": ("ward", False),
        "leave": ("ward", False),
        "hog": ("ward", False),
        "spread": ("ward", False),
        "seek": ("ward", False),
    }
    assert (before["count"]["every"], before["count"]["runs"], before["count"]["next"]) == (60, 0, None)
    assert (after["stages"]["on"], after["fail"]["on"], after["fail"]["next"]) == (True, False, None)
    assert (after["fail"]["outcome"], after["fail"]["runs"], after["fail"]["failures"]) == ("failed", 1, 1)
    assert any(line.startswith("fail ") and "1 of 1 failed   next 20" in line for line in lines)
    assert any(line.startswith("stages ") and "never ran   off: name it in GUANXI_JOBS" in line for line in lines)
    off = [line.split()[0] for line in without if line.endswith("   never ran   off: GUANXI_JOBS leaves it out")]
    assert off == ["stages", "count"]


@pytest.mark.usefixtures("opened")
def test_a_job_has_the_bank(journey, guanxi, ward, tmp_path):
    done = guanxi(journey.home, "jobs", "run", "count", **ward)

    assert (done.returncode, done.stdout, done.stderr) == (0, "counted\ncount: done\n", "")
    assert (tmp_path / "out").read_text() == "300 300\n"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("fail", "KeyError in ward.py:17"),
        ("hang", "took longer than 0:00:06"),
        ("leave", "exit code 7"),
        ("seek", "NotFound in ward.py:29"),
        ("hog", "MemoryError in ward.py:34"),
        (
            "retention",
            "SettingsError: Everything is kept for ever: set GUANXI_KEEP_INTERACTIONS or another, in months.",
        ),
    ],
)
@pytest.mark.usefixtures("opened")
def test_what_goes_wrong_is_recorded_without_anything_personal(journey, guanxi, ward, tmp_path, name, error):
    done = guanxi(journey.home, "jobs", "run", name, **ward, GUANXI_PLUGIN_JOB_MEMORY_MB="128")

    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{name}: failed, {error}\n")
    assert listed(guanxi, journey.home, **ward)[name]["error"] == error
    if name == "hang":
        wait_until(lambda: all(map(gone, pids(tmp_path))))


SLOW = """
import sys, time
from datetime import timedelta
from guanxi import Job, hookimpl

if "guanxi.job_process" in sys.orig_argv:
    time.sleep(STARTS)

def run(bank):
    time.sleep(RUNS)

@hookimpl
def jobs(register):
    register(Job("slow", "Begin late.", timedelta(minutes=1), run, most=timedelta(seconds=5)))
"""


@pytest.mark.parametrize(
    ("starts", "runs", "most", "came"),
    [
        ("6", "0", 60.0, ("done", None)),
        ("6", "600", 60.0, ("failed", "took longer than 0:00:05")),
        ("600", "0", 7.0, ("failed", "had not begun after 0:00:07")),
    ],
    ids=["begins late", "begins late and is slow", "never begins"],
)
async def test_the_time_of_a_job_counts_from_where_its_own_function_begins(
    journey, opened, tmp_path, monkeypatch, starts, runs, most, came
):
    (tmp_path / "slow.py").write_text(SLOW.replace("STARTS", starts).replace("RUNS", runs))
    monkeypatch.setattr(work, "START_SECONDS", most)
    settings = Settings(home=journey.home, plugins=(tmp_path,))
    host = PluginHost.load([tmp_path])

    assert await work.run_job(opened, *work.job_named(host, "slow"), settings, host.reports) == came


@pytest.mark.usefixtures("opened")
def test_threads_take_no_more_of_a_jobs_memory_than_they_use(journey, guanxi, ward):
    done = guanxi(journey.home, "jobs", "run", "spread", **ward, GUANXI_PLUGIN_JOB_MEMORY_MB="512")

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "place", "said"),
    [
        ("fail", "KeyError in ward.py:17", "'x000000000 xxxxx 0000'"),
        ("seek", "NotFound in ward.py:29", "xxxxx is no xxxxxxxx 'x000000000'."),
        ("hang", "TimeoutError", "took longer than 0:00:06"),
        ("leave", "ProcessEnded", "exit code 7"),
        ("retention", None, None),
    ],
)
async def test_an_owner_is_told_that_a_job_failed_and_nothing_personal(
    journey, guanxi, ward, opened, name, place, said
):
    guanxi(journey.home, "jobs", "run", name, **ward)

    found = json.loads(guanxi(journey.home, "plugins", "failures", "--json").stdout)
    counted = await opened.read("MATCH (f:PluginFailure) RETURN f.plugin AS plugin, f.count AS count")
    told = [(one["plugin"], one["hook"], one["item"], one["place"], one["said"]) for one in found]
    assert told == ([("ward", "jobs", name, place, said)] if place else [])
    assert counted == ([{"plugin": "ward", "count": 1}] if place else [])


async def test_a_job_that_runs_elsewhere_is_not_run_twice(journey, guanxi, ward, opened):
    await jobs.take(opened, Run("count", "R1", "elsewhere:1"), datetime.now(UTC))

    done = guanxi(journey.home, "jobs", "run", "count", **ward)
    unknown = guanxi(journey.home, "jobs", "run", "counted", **ward)

    assert (done.returncode, done.stderr) == (2, "The job count is running already; guanxi jobs says where.\n")
    assert unknown.stderr == (
        "There is no job 'counted'; there are count, events, fail, hang, hog, leave, retention, seek, spread, stages, sweep.\n"
    )
    assert listed(guanxi, journey.home, **ward)["count"]["runner"] == "elsewhere:1"


async def test_our_own_jobs_do_what_their_commands_do(journey, guanxi, opened):
    create = "UNWIND $keys AS key CREATE (:IdempotencyKey {request_key: key.key, expires_at: key.until})"
    now = datetime.now(UTC)
    keys = [{"key": "old", "until": now}, {"key": "new", "until": now + timedelta(hours=1)}]
    await opened.write(create, keys=keys)

    noted = [guanxi(journey.home, "jobs", "run", name).returncode for name in ("stages", "events", "sweep")]

    assert noted == [0, 0, 0]
    assert guanxi(journey.home, "stages").stdout == "No stage has changed.\n"
    assert guanxi(journey.home, "events").stdout == "Nothing new has happened.\n"
    assert await opened.read("MATCH (k:IdempotencyKey) RETURN k.request_key AS key") == [{"key": "new"}]


@pytest.mark.usefixtures("opened")
def test_a_job_ends_with_who_runs_it(journey, command, ward, tmp_path):
    (tmp_path / "plugins" / "ward.py").write_text(PLUGIN.replace("MOST", "600"))
    running = subprocess.Popen(**command(journey.home, "jobs", "run", "hang", **ward))
    wait_until(lambda: pids(tmp_path))

    running.kill()
    running.wait()

    wait_until(lambda: all(map(gone, pids(tmp_path))))


async def test_two_servers_do_what_is_due_once_and_live_through_what_fails(journey, command, ward, opened, tmp_path):
    settings = ward | {"GUANXI_JOBS": "hog", "GUANXI_PLUGIN_JOB_MEMORY_MB": "128"}
    servers = [  # at once, while ``serve`` waits for each
        subprocess.Popen(
            **command(journey.home, "serve", "--port", "0", "--development", **settings), stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]

    def ended(found):
        return {"count", "fail", "hog", "sweep"} <= {name for name, job in found.items() if job.ended_at}

    try:
        urls = [server.stdout.readline().split()[2].removesuffix("/graphql") for server in servers]
        wait_until(lambda: all(map(is_ready, urls)))
        found = await until(lambda: jobs.states(opened, datetime.now(UTC)), ended, every=1)
        assert [httpx.get(f"{url}/healthz", timeout=PATIENCE).status_code for url in urls] == [200, 200]
    finally:
        for server in servers:
            server.send_signal(signal.SIGINT)
        for server in servers:
            server.wait(PATIENCE)
            server.stdout.close()

    assert {name: (job.outcome, job.runs) for name, job in found.items()} == {
        "count": ("done", 1),
        "fail": ("failed", 1),
        "hog": ("failed", 1),
        "sweep": ("done", 1),
    }
    assert (tmp_path / "out").read_text() == "300 300\n"


@pytest.mark.usefixtures("opened")
async def test_a_server_does_the_jobs_of_a_file_that_has_changed(serve, ward, tmp_path):
    file = tmp_path / "plugins" / "ward.py"
    source, settings = file.read_text(), ward | {"GUANXI_JOBS": "-sweep,-fail"}
    file.write_text(source.replace('    register(Job("count"', '    (Job("count"'))
    with serve("--development", **settings) as (server, _):
        file.write_text(source)
        done = wait_until(lambda: (tmp_path / "out").exists() and (tmp_path / "out").read_text())
        server.terminate()
        server.wait(PATIENCE)

    assert done == "300 300\n"


async def test_which_jobs_are_done_follows_the_plugins(opened, tmp_path, monkeypatch, caplog):
    begun = []

    async def run_job(_, job, owner, settings, _reports, *, due):
        assert (owner.name, bool(settings.jobs)) == ("ward", True)
        assert due
        begun.append((job.name, job.every))

    async def come(wanted):
        begun.clear()
        await until(lambda: wanted in begun)

    def host(*named):
        (tmp_path / "ward.py").write_text(
            "from datetime import timedelta\nfrom guanxi import Job, hookimpl\n@hookimpl\ndef jobs(register):\n    pass\n"
            + "".join(f"    register(Job({name!r}, '', timedelta(hours={hours}), print))\n" for name, hours in named)
        )
        return PluginHost.load([tmp_path])

    monkeypatch.setattr(work, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(work, "run_job", run_job)
    now = host(("one", 1), ("two", 1))
    working = asyncio.create_task(work.keep_working(opened, lambda: now, Settings(jobs=("-sweep", "two"))))
    await come(("one", timedelta(hours=1)))
    now = host(("one", 5), ("three", 1))
    await come(("one", timedelta(hours=5)))
    await come(("three", timedelta(hours=1)))
    working.cancel()

    assert set(begun) <= {("one", timedelta(hours=5)), ("three", timedelta(hours=1))}
    assert caplog.messages.count("GUANXI_JOBS names 'two', and there is no such job") == 1


async def test_a_job_that_its_server_interrupts_is_due_at_once(journey, guanxi, serve, ward, opened, tmp_path):
    settings = ward | {"GUANXI_JOBS": "hang,-count,-fail,-sweep"}
    (tmp_path / "plugins" / "ward.py").write_text(PLUGIN.replace("MOST", "600"))
    with serve("--development", **settings) as (server, _):
        wait_until(lambda: pids(tmp_path))
        server.terminate()
        server.wait(PATIENCE)

    wait_until(lambda: all(map(gone, pids(tmp_path))))
    [state] = (await jobs.states(opened, datetime.now(UTC))).values()
    assert (state.outcome, state.failures) == (JobOutcome.INTERRUPTED, 0)
    lines = guanxi(journey.home, "jobs", **settings).stdout.splitlines()
    assert any(line.startswith("hang ") and line.endswith("0 of 1 failed   next at once") for line in lines)


@pytest.mark.parametrize(
    ("by_default", "asked", "is_on"),
    [
        (True, (), True),
        (False, (), False),
        (False, ("nightly",), True),
        (False, ("all",), True),
        (True, ("-nightly",), False),
        (False, ("all", "-nightly"), False),
    ],
)
def test_which_jobs_servers_do(by_default, asked, is_on):
    job = Job("nightly", "Nothing.", timedelta(days=1), print, by_default=by_default)

    assert is_done_here(job, asked) is is_on


@pytest.mark.parametrize(
    ("outcome", "hours", "due"),
    [
        (JobOutcome.DONE, 23, False),
        (JobOutcome.DONE, 24, True),
        (JobOutcome.FAILED, 23, False),
        (JobOutcome.DIED, 24, True),
        (JobOutcome.RUNNING, 48, False),
        (JobOutcome.INTERRUPTED, 1, True),
    ],
)
def test_when_a_job_is_due(outcome, hours, due):
    started = datetime(2026, 6, 30, tzinfo=UTC)
    state = JobState("nightly", "host:1", started, None, outcome, None, 1, 0)
    job = Job("nightly", "Nothing.", timedelta(days=1), print)

    assert is_due(job, state, started + timedelta(hours=hours)) is due
    assert is_due(job, None, started)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("Job('nightly', '', timedelta(seconds=5), print)", "the job 'nightly' runs every minute at most"),
        ("Job('Every Night', '', timedelta(days=1), print)", "'Every Night' is no name of a job"),
        ("Job('nightly', '', timedelta(days=1), later)", "which is no plain function"),
        ("Job('sweep', '', timedelta(days=1), print)", "a job named 'sweep' is there already, from shipped"),
    ],
)
def test_a_job_that_cannot_be_breaks_its_plugin(guanxi, tmp_path, source, why):
    (tmp_path / "ward.py").write_text(
        "from datetime import timedelta\nfrom guanxi import Job, hookimpl\n"
        f"async def later(bank):\n    pass\n@hookimpl\ndef jobs(register):\n    register({source})\n"
    )

    found = json.loads(guanxi(tmp_path, "plugins", "--json", GUANXI_PLUGINS=str(tmp_path)).stdout)

    [error] = [plugin["error"] for plugin in found if plugin["name"] == "ward"]
    assert why in error
